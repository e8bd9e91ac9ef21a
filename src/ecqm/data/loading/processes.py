"""Processes that a load calls functions in. They end when the process that started them ends, however it ends."""

from __future__ import annotations

import fcntl
import os
import pickle
import signal
import subprocess
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path
from threading import Thread
from typing import IO, Any, NoReturn, Self, TypeVar

from ecqm.data.problems import DataError
from ecqm.data.writing import PROCESSES
from ecqm.own_processes import start_python

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class _Told:
    """What a function has told while it runs."""

    size: int


@dataclass(frozen=True)
class _Answer:
    """What a function has returned, or the error that it has raised."""

    result: Any = None
    error: BaseException | None = None


@dataclass
class _Process:
    """A process, the pipe to it, and how many functions it may still be asked to call."""

    process: subprocess.Popen[bytes]
    pipe: Connection
    calls_left: int

    def end(self) -> None:
        """Wait until it has ended, which it does when there is nothing more to call."""
        self.pipe.close()
        self.process.wait()


class Processes:
    """Up to `jobs` processes of the sole writer of a folder. They start when there is work for them.

        with Processes(jobs, folder) as processes:
            for number, result in processes.results(function, items): ...

    A process is replaced after `calls` calls, since the memory of a process only grows. None of them outlives the
    context, or a writer that is killed. The folder has no other writer before they have ended (see `sole_writer`).
    """

    def __init__(self, jobs: int, folder: Path, calls: int = 24) -> None:
        self.jobs = jobs
        self._folder = folder
        self._calls = calls
        self._processes: list[_Process] = []
        self._idle: list[_Process] = []
        # Nothing is ever sent through it. Its other end is closed when this process ends, and the others notice.
        self._watched, self._alive = Pipe(duplex=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._alive.close()
        self._watched.close()
        for each in self._processes:
            each.end()

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """The results of a function for some items, in the order of the items; see `results`."""
        return [result for _, result in sorted(self.results(function, items), key=lambda found: found[0])]

    def results(
        self,
        function: Callable[[Item], Result],
        items: Iterable[Item],
        told: Callable[[int], None] = lambda size: None,
    ) -> Iterator[tuple[int, Result]]:
        """Call a function with each of some items: the numbers of items, each with its result, as they come.

        `told` takes what the function tells with `tell`. Raises what the function raises, and DataError if a process
        was killed; there are no further results then.
        """
        waiting = deque(enumerate(items))
        busy: dict[Connection, tuple[_Process, int]] = {}
        while waiting or busy:
            while waiting and len(busy) < self.jobs:
                each = self._idle.pop() if self._idle else self._started()
                number, item = waiting.popleft()
                _send(each.pipe, (function, item))
                busy[each.pipe] = each, number
            for pipe in wait(list(busy)):
                assert isinstance(pipe, Connection)
                answer = _received(pipe)
                if isinstance(answer, _Told):
                    told(answer.size)
                    continue
                each, number = busy.pop(pipe)
                self._called(each)
                if answer.error is not None:
                    raise answer.error
                yield number, answer.result

    def _started(self) -> _Process:
        ours, theirs = Pipe()
        descriptors = theirs.fileno(), self._watched.fileno()
        folder = os.fspath(self._folder)
        process = start_python(f"from {__name__} import work; work(*{descriptors}, {folder!r})", descriptors)
        theirs.close()
        self._processes.append(_Process(process, ours, self._calls))
        return self._processes[-1]

    def _called(self, each: _Process) -> None:
        each.calls_left -= 1
        if each.calls_left:
            self._idle.append(each)
        else:
            self._processes.remove(each)
            each.end()


def _send(pipe: Connection, content: Any) -> None:
    try:
        pipe.send(content)
    except OSError:
        _killed()


def _received(pipe: Connection) -> _Told | _Answer:
    try:
        answer: _Told | _Answer = pipe.recv()
    except (EOFError, OSError):
        _killed()
    return answer


def _killed() -> NoReturn:
    message = "a process was killed (is there enough memory for so many?); the same command goes on from there"
    raise DataError(message) from None


# In a process that was started, the pipe to the one that started it.
_pipe: Connection | None = None


def tell(size: int) -> None:
    """Tell the process that started this one how much more is done; for functions that are called in `results`."""
    assert _pipe is not None, "nobody has started this process to call functions"
    _pipe.send(_Told(size))


def work(pipe: int, watched: int, folder: str) -> None:
    """The life of a process, which ends when the process that started it closes its end of `pipe` or `watched`.

    Both are file descriptors.
    """
    global _pipe
    # Whoever started this process is interrupted as well, and decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The lock comes first: if the writer is alive after that, its successor has to wait for this process.
    lock = (Path(folder) / PROCESSES).open("w")
    fcntl.flock(lock, fcntl.LOCK_SH)
    alive = Connection(watched, writable=False)
    if alive.poll():
        return
    Thread(target=_end_after, args=(alive, lock), daemon=True).start()
    _pipe = Connection(pipe)
    with suppress(EOFError, OSError):
        while True:
            function, item = _pipe.recv()
            _pipe.send(_answer(function, item))


def _end_after(alive: Connection, _held: IO[str]) -> None:
    with suppress(EOFError, OSError):
        alive.recv_bytes()
    os._exit(1)


def _answer(function: Callable[[Any], Any], item: Any) -> _Answer:
    try:
        return _Answer(function(item))
    except Exception as error:
        error.add_note(traceback.format_exc())
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:
            return _Answer(error=RuntimeError(traceback.format_exc()))
        return _Answer(error=error)
