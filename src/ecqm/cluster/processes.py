"""Units in processes of this machine.

A process that has grown beyond its share of memory is ended after its unit, and another takes its place: strings and
codes of all units that a process evaluates stay in its memory. A process that dies loses nothing but its unit, which is
evaluated once more by another; a unit that processes die of twice is given up, and named. Where results cannot be
written (the disk is full) all of them end, and so does the run.
"""

from __future__ import annotations

import gc
import subprocess
import traceback
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path

from ecqm.bundles.content.documents import ContentError
from ecqm.child_processes import start_python
from ecqm.cluster.units import Unit
from ecqm.cluster.worker import Shipment, Worker, peak_memory
from ecqm.data import DataError

_ATTEMPTS = 2
Done = Callable[[int], None]


class WorkerError(RuntimeError):
    """A process failed in a way that has nothing to do with the data; the message is its traceback."""


@dataclass
class _Process:
    """A process, the end of the pipe to it, and the number of the unit that it is at."""

    process: subprocess.Popen[bytes]
    pipe: Connection
    at: int | None = None


@dataclass(frozen=True)
class _Report:
    """What a process says of a unit: nothing, or what was wrong with its data, or why its results could not be written,
    or how it failed otherwise; and whether it has had enough."""

    refused: str | None = None
    unwritten: OSError | None = None
    failed: str | None = None
    full: bool = False


def run_in_processes(
    shipment: Shipment, units: Mapping[int, Unit], path_of: Callable[[int], Path], jobs: int, share: int, done: Done
) -> dict[int, str]:
    """Evaluate units, by number, in `jobs` processes that hold about `share` bytes each; `done` is told of each.

    Gives, by number, why a unit could not be evaluated. Raises OSError where results cannot be written, WorkerError.
    """
    return _Pool(shipment.packed(), units, path_of, share, done).run(min(jobs, len(units)))


class _Pool:
    def __init__(
        self,
        shipment: bytes,
        units: Mapping[int, Unit],
        path_of: Callable[[int], Path],
        share: int,
        done: Done,
    ) -> None:
        self._shipment = shipment
        self._units = units
        self._path_of = path_of
        self._share = share
        self._done = done
        self._waiting = deque(units)
        self._attempts = dict.fromkeys(units, 0)
        self._refused: dict[int, str] = {}

    def run(self, jobs: int) -> dict[int, str]:
        running = [self._started() for _ in range(jobs)]
        try:
            while running:
                ready = wait([each.pipe for each in running])
                for each in [each for each in running if each.pipe in ready]:
                    running.remove(each)
                    running += self._heard(each)
        finally:
            for each in running:
                each.process.terminate()
                each.process.wait()
        return self._refused

    def _heard(self, each: _Process) -> list[_Process]:
        """What goes on after a process has said something, or died: itself, another in its place, or nothing."""
        try:
            report: _Report = each.pipe.recv()
        except (EOFError, OSError):
            each.process.wait()
            self._died(each)
            return [self._started()] if self._waiting else []
        assert each.at is not None
        if report.unwritten is not None:
            raise report.unwritten
        if report.failed is not None:
            raise WorkerError(f"{self._units[each.at].name}: {report.failed}")
        if report.refused is not None:
            self._refused[each.at] = report.refused
        self._done(each.at)
        each.at = None
        if self._waiting and not report.full:
            self._give(each)
            return [each]
        each.pipe.send(None)
        each.process.wait()
        return [self._started()] if self._waiting else []

    def _died(self, each: _Process) -> None:
        if each.at is None:
            return
        if self._attempts[each.at] < _ATTEMPTS:
            self._waiting.appendleft(each.at)
        else:
            self._refused[each.at] = f"{self._units[each.at].name}: processes died of it (out of memory?)"
            self._done(each.at)

    def _started(self) -> _Process:
        ours, theirs = Pipe()
        number = theirs.fileno()
        process = start_python(f"from {__name__} import work; work({number}, {self._share})", (number,))
        theirs.close()
        # One that is dead is noticed when it is waited for, here and where it is given something.
        with suppress(OSError):
            ours.send_bytes(self._shipment)
        each = _Process(process, ours)
        self._give(each)
        return each

    def _give(self, each: _Process) -> None:
        each.at = self._waiting.popleft()
        self._attempts[each.at] += 1
        with suppress(OSError):
            each.pipe.send((self._units[each.at], self._path_of(each.at)))


def work(descriptor: int, share: int) -> None:
    """The life of a process: through the pipe come the shipment, and units until None does."""
    pipe = Connection(descriptor)
    # Until whoever gives the work is gone.
    with suppress(EOFError, OSError, KeyboardInterrupt):
        worker = Worker(Shipment.unpacked(pipe.recv_bytes()))
        # Plans stay until the end: the cycle collector need not walk over them again and again.
        gc.freeze()
        while (given := pipe.recv()) is not None:
            unit, path = given
            pipe.send(_report(worker, unit, path, share))


def _report(worker: Worker, unit: Unit, path: Path, share: int) -> _Report:
    try:
        worker.run(unit, path)
    except (DataError, ContentError) as error:
        return _Report(refused=str(error), full=peak_memory() > share)
    except OSError as error:
        return _Report(unwritten=error)
    except Exception:
        return _Report(failed=traceback.format_exc())
    return _Report(full=peak_memory() > share)
