"""Evaluation of units in several processes of this machine.

A process that has used most of its share of memory ends after its current unit and is replaced, because strings and
codes of all its units stay in its memory. If a process dies, another one evaluates its unit once more; a unit with
which processes die twice is given up, and named. If results cannot be written (the disk is full), all processes end,
and so does the run.
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
from ecqm.cluster.units import Unit
from ecqm.cluster.worker import Shipment, Worker, peak_memory
from ecqm.data import DataError
from ecqm.own_processes import start_python

_ATTEMPTS = 2
# The part of its share of memory that a process uses up before it is replaced; the rest is room for its last unit.
_FULL = 0.75
Done = Callable[[int], None]


class WorkerError(RuntimeError):
    """A process failed for a reason that is not in the data; the message is its traceback."""


@dataclass
class _Process:
    """A running process, our end of its pipe, and the number of the unit that it is evaluating."""

    process: subprocess.Popen[bytes]
    pipe: Connection
    unit: int | None = None


@dataclass(frozen=True)
class _Report:
    """The report of a process on a unit.

    At most one of the errors is set: `refused` if the data could not be read, `unwritten` if the results could not be
    written, `failed` with the traceback of any other error. `full` means that the process may have no room for another
    unit.
    """

    refused: str | None = None
    unwritten: OSError | None = None
    failed: str | None = None
    full: bool = False


def run_in_processes(
    shipment: Shipment, units: Mapping[int, Unit], path_of: Callable[[int], Path], jobs: int, share: int, done: Done
) -> dict[int, str]:
    """Evaluate units, given by number, in `jobs` processes that use about `share` bytes each.

    Calls `done` for each completed unit. Returns, by number, why units could not be evaluated. Raises OSError if
    results cannot be written, and WorkerError for errors that are not due to the data.
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
        running = [self._start() for _ in range(jobs)]
        try:
            while running:
                ready = wait([process.pipe for process in running])
                for process in [process for process in running if process.pipe in ready]:
                    running.remove(process)
                    running += self._continue(process)
        finally:
            for process in running:
                process.process.terminate()
                process.process.wait()
        return self._refused

    def _continue(self, process: _Process) -> list[_Process]:
        """Handle the report of a process, or its death. Returns it, its replacement, or nothing."""
        try:
            report: _Report = process.pipe.recv()
        except (EOFError, OSError):
            process.process.wait()
            self._retry_or_refuse(process)
            return [self._start()] if self._waiting else []
        assert process.unit is not None
        if report.unwritten is not None:
            raise report.unwritten
        if report.failed is not None:
            raise WorkerError(f"{self._units[process.unit].name}: {report.failed}")
        if report.refused is not None:
            self._refused[process.unit] = report.refused
        self._done(process.unit)
        process.unit = None
        if self._waiting and not report.full:
            self._assign(process)
            return [process]
        process.pipe.send(None)
        process.process.wait()
        return [self._start()] if self._waiting else []

    def _retry_or_refuse(self, dead: _Process) -> None:
        if dead.unit is None:
            return
        if self._attempts[dead.unit] < _ATTEMPTS:
            self._waiting.appendleft(dead.unit)
        else:
            name = self._units[dead.unit].name
            self._refused[dead.unit] = f"{name}: {_ATTEMPTS} processes died while evaluating it (out of memory?)"
            self._done(dead.unit)

    def _start(self) -> _Process:
        ours, theirs = Pipe()
        number = theirs.fileno()
        started = start_python(f"from {__name__} import work; work({number}, {self._share})", (number,))
        theirs.close()
        # A dead process is noticed when we wait for its report, so errors of sending can be ignored, here and below.
        with suppress(OSError):
            ours.send_bytes(self._shipment)
        process = _Process(started, ours)
        self._assign(process)
        return process

    def _assign(self, process: _Process) -> None:
        process.unit = self._waiting.popleft()
        self._attempts[process.unit] += 1
        with suppress(OSError):
            process.pipe.send((self._units[process.unit], self._path_of(process.unit)))


def work(descriptor: int, share: int) -> None:
    """The main function of a process: it receives the shipment and then units, until None, through the pipe."""
    pipe = Connection(descriptor)
    # These errors mean that the parent process has ended.
    with suppress(EOFError, OSError, KeyboardInterrupt):
        worker = Worker(Shipment.unpacked(pipe.recv_bytes()))
        # Plans stay in memory until the end, so the garbage collector need not visit them.
        gc.freeze()
        while (assigned := pipe.recv()) is not None:
            unit, path = assigned
            pipe.send(_report(worker, unit, path, share))


def _report(worker: Worker, unit: Unit, path: Path, share: int) -> _Report:
    try:
        worker.run(unit, path)
    except (DataError, ContentError) as error:
        return _Report(refused=str(error), full=peak_memory() > _FULL * share)
    except OSError as error:
        return _Report(unwritten=error)
    except Exception:
        return _Report(failed=traceback.format_exc())
    return _Report(full=peak_memory() > _FULL * share)
