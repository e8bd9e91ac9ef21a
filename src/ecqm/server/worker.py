"""A worker process of the server: it opens what is served, and answers calls one at a time."""

from __future__ import annotations

import gc
import resource
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection

from ecqm.bundles.content.documents import ContentError
from ecqm.cluster.worker import peak_memory
from ecqm.data import DataError
from ecqm.server.calls import Answer, Call
from ecqm.server.operations import answer
from ecqm.server.service import Served, Service

# The part of its memory that a worker uses up before it is replaced: strings and codes of all requests stay in it.
_FULL = 0.75


@dataclass(frozen=True)
class Assignment:
    """What a worker serves, how many bytes of memory it may use, and its folder for temporary files."""

    served: Served
    memory: int
    folder: str


@dataclass(frozen=True)
class Report:
    """What a worker tells: that it is `ready`, or why what is served cannot be opened; later, the answer to a call.
    `full` means that it may have no room for another one."""

    answer: Answer | None = None
    refused: str | None = None
    full: bool = False


def work(descriptor: int) -> None:
    """The main function of a worker: it receives its assignment, and then calls, through the pipe."""
    pipe = Connection(descriptor)
    # These errors mean that the server has ended.
    with suppress(EOFError, OSError, KeyboardInterrupt):
        assigned: Assignment = pipe.recv()
        tempfile.tempdir = assigned.folder
        try:
            service = Service(assigned.served)
        except (ContentError, DataError, OSError) as error:
            pipe.send(Report(refused=str(error)))
            return
        _limit(assigned.memory)
        # The content stays until the end, so the garbage collector need not visit it.
        gc.freeze()
        pipe.send(Report())
        while True:
            call: Call = pipe.recv()
            pipe.send(Report(answer(service, call, log), full=peak_memory() > _FULL * assigned.memory))


def _limit(memory: int) -> None:
    """Make allocations beyond the memory fail, where the system can do that, instead of using up the machine's."""
    with suppress(ValueError, OSError):
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (memory, most))


def log(text: str) -> None:
    """Write a line to standard error."""
    print(f"ecqm: {text}", file=sys.stderr, flush=True)
