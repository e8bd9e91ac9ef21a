"""The workers of the server: a fixed number of processes, each of which answers one call at a time.

A worker that takes too long is killed, and so is the call that it was answering. It is replaced, as are workers that
died or used up their memory. No other call notices.
"""

from __future__ import annotations

import asyncio
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe
from tempfile import TemporaryDirectory

from ecqm.own_processes import start_python
from ecqm.server.calls import Answer, Call
from ecqm.server.outcomes import RequestError
from ecqm.server.service import Served
from ecqm.server.worker import Assignment, Report, log


class WorkerRefused(Exception):
    """What is served cannot be opened; the message says why."""


@dataclass
class _Worker:
    """A process, our end of its pipe, and the folder for its temporary files, which hold data of patients."""

    process: subprocess.Popen[bytes]
    pipe: Connection
    folder: TemporaryDirectory[str]

    @classmethod
    def start(cls, served: Served, memory: int) -> _Worker:
        """Start a process, which has then to be `ready`."""
        ours, theirs = Pipe()
        folder = TemporaryDirectory(prefix="ecqm-serve-")
        number = theirs.fileno()
        # Ctrl-C in a terminal reaches all processes; the server ends its workers itself.
        code = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"
        process = start_python(f"{code}; from ecqm.server.worker import work; work({number})", (number,))
        theirs.close()
        with suppress(OSError):
            # If it has died already, that is noticed when it should be ready.
            ours.send(Assignment(served, memory, folder.name))
        return cls(process, ours, folder)

    def require_ready(self) -> None:
        """Wait until the process has opened what is served. Raises WorkerRefused if it cannot."""
        try:
            report = self.receive()
        except (EOFError, OSError):
            raise WorkerRefused("a process of the server died when it started") from None
        if report is not None and report.refused is not None:
            raise WorkerRefused(report.refused)

    def receive(self, seconds: float | None = None) -> Report | None:
        """What the worker tells next; None if it says nothing in time. Raises EOFError or OSError if it died."""
        if not self.pipe.poll(seconds):
            return None
        report: Report = self.pipe.recv()
        return report

    def end(self) -> None:
        """Kill the process, and remove what it left behind."""
        self.process.kill()
        self.process.wait()
        self.pipe.close()
        self.folder.cleanup()


class Pool:
    """`size` workers with so many bytes of `memory` each. A call may wait `patience` seconds for a worker, and take
    `limit` seconds to be answered."""

    def __init__(self, served: Served, size: int, memory: int, limit: float, patience: float = 30.0) -> None:
        self._served = served
        self._size = size
        self._memory = memory
        self._limit = limit
        self._patience = patience
        self._idle: asyncio.Queue[_Worker] = asyncio.Queue()
        self._all: list[_Worker] = []
        self._starting: set[asyncio.Task[None]] = set()
        self._ended = False

    @property
    def is_up(self) -> bool:
        """Whether there are workers."""
        return bool(self._all)

    def start(self) -> None:
        """Start the workers. Raises WorkerRefused."""
        with ThreadPoolExecutor(self._size) as threads:
            for worker in threads.map(lambda _: self._start(), range(self._size)):
                self._idle.put_nowait(worker)

    def end(self) -> None:
        """End the workers."""
        self._ended = True
        for worker in self._all:
            worker.end()
        self._all.clear()

    async def answer(self, call: Call) -> Answer:
        """The answer of a worker. Raises RequestError if all are busy, or if it takes too long or dies."""
        try:
            worker = await asyncio.wait_for(self._idle.get(), self._patience)
        except TimeoutError:
            raise RequestError(503, "throttled", "the server is busy; try again later") from None
        # A client that goes away must not take the worker with it.
        return await asyncio.shield(asyncio.create_task(self._answer(worker, call)))

    async def _answer(self, worker: _Worker, call: Call) -> Answer:
        report: Report | None = None
        try:
            report = await asyncio.to_thread(self._ask, worker, call)
        finally:
            if report is None or report.full:
                await self._replace(worker)
            else:
                self._idle.put_nowait(worker)
        assert report is not None and report.answer is not None
        return report.answer

    def _ask(self, worker: _Worker, call: Call) -> Report:
        try:
            worker.pipe.send(call)
            report = worker.receive(self._limit)
        except (EOFError, OSError):
            message = "the process that evaluated this request died (out of memory?)"
            raise RequestError(500, "exception", message) from None
        if report is None:
            raise RequestError(504, "timeout", f"the request took more than {self._limit:g} seconds")
        return report

    async def _replace(self, worker: _Worker) -> None:
        if not self._ended:
            self._all.remove(worker)
            await asyncio.to_thread(worker.end)
            # The answer need not wait for the new worker; calls find it when it is ready.
            starting = asyncio.create_task(self._add())
            self._starting.add(starting)
            starting.add_done_callback(self._starting.discard)

    async def _add(self) -> None:
        try:
            self._idle.put_nowait(await asyncio.to_thread(self._start))
        except WorkerRefused as error:
            log(f"a process that ended could not be replaced: {error}")

    def _start(self) -> _Worker:
        worker = _Worker.start(self._served, self._memory)
        self._all.append(worker)
        try:
            worker.require_ready()
        except WorkerRefused:
            self._all.remove(worker)
            worker.end()
            raise
        return worker
