"""Writing so that whoever reads, or comes after a crash, sees all of it or nothing; and by one process alone."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ecqm.data.problems import DataError

# Failures of writing that room, or another disk, puts right: what was written before is as it should be.
OF_THE_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS})

# Held by a writer, and by the processes that it has started.
_WRITER, PROCESSES = ".writer", ".processes"


@contextmanager
def sole_writer(folder: Path) -> Iterator[None]:
    """Keeps others from writing to a folder. Raises DataError if another process is writing to it; processes of one
    that was killed (see `ecqm.data.loading.processes`) are waited for."""
    with (folder / _WRITER).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DataError(f"{folder} is being written by another process") from None
        with (folder / PROCESSES).open("w") as processes:
            fcntl.flock(processes, fcntl.LOCK_EX)
        yield


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path to write a file to. When all of it is written and on disk it takes the place of `path`, in one step; if it
    is not written to its end it is removed."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        yield fresh
        settle(fresh)
        os.replace(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)


def replace_file(path: Path, content: bytes) -> None:
    """Make this the content of a file, in one step: after a loss of power the file is either the old one or this."""
    with replacing(path) as fresh:
        fresh.write_bytes(content)


def settle(path: Path) -> None:
    """Wait until a file is on disk, so that a loss of power cannot take it away; of a folder, the names in it."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Not every file system does this for folders.
        if error.errno != errno.EINVAL or not path.is_dir():
            raise
    finally:
        os.close(descriptor)
