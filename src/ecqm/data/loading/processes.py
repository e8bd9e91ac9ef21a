"""The processes of a load: they end with the one that started them, however that ends."""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from threading import Thread
from typing import IO

from ecqm.data.problems import DataError
from ecqm.data.writing import PROCESSES


@contextmanager
def processes(jobs: int, folder: Path) -> Iterator[ProcessPoolExecutor]:
    """Processes of the sole writer of a folder, started when there is work for them: none of them outlives this
    context, or a writer that is killed; the folder has no other writer before all of them have ended.

    Raises DataError if one of them was killed.
    """
    ours, theirs = Pipe(duplex=False)
    # Nothing is ever sent. A process started afresh has only the end that it is given (and, other than one that was
    # forked while Arrow's threads run, does not hang): the other end is closed when this context, or process, ends.
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), _end_with_writer, (folder, ours))
    try:
        yield pool
        pool.shutdown()
    except BrokenProcessPool:
        raise DataError(
            "a process was killed (is there enough memory for so many?); the same command goes on from there"
        ) from None
    finally:
        theirs.close()
        pool.shutdown(cancel_futures=True)
        ours.close()


def _end_with_writer(folder: Path, alive: Connection) -> None:
    """Make this process end when the other end of a pipe is closed."""
    # Whoever started this one hears of it, and says when to end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Taken first: a writer that is alive after that is one for whose successor the lock is in time.
    lock = (folder / PROCESSES).open("w")
    fcntl.flock(lock, fcntl.LOCK_SH)
    if alive.poll():
        os._exit(1)
    Thread(target=_end_after, args=(alive, lock), daemon=True).start()


def _end_after(alive: Connection, _held: IO[str]) -> None:
    with suppress(EOFError, OSError):
        alive.recv_bytes()
    os._exit(1)
