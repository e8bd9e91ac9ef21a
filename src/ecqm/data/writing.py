"""Files written whole or not at all, even if the program or the machine fails; and folders with a single writer."""

from __future__ import annotations

import errno
import fcntl
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ecqm.data.problems import DataError

# Errors of writing that more room, or another disk, resolves. What was written before is sound.
OF_THE_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS})

_READ_AT_ONCE = 1 << 20

# Held by a writer, and by the processes that it has started.
_WRITER, PROCESSES = ".writer", ".processes"


@contextmanager
def sole_writer(folder: Path) -> Iterator[None]:
    """Keep other processes from writing to a folder. Raises DataError if one is writing to it.

    If a writer was killed, this waits for the processes that it had started (`ecqm.data.loading.processes`).
    """
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
    """A path to write a file to. When it is written and on disk, it replaces `path` in one step. If writing fails, it
    is removed. Links and devices (/dev/stdout) are written to as they are."""
    if path.is_symlink() or (path.exists() and not path.is_file()):
        yield path
        return
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


def checksum_of(path: Path) -> int:
    """The checksum (CRC-32) of a file of any size. Raises OSError."""
    checksum = 0
    with path.open("rb") as file:
        while part := file.read(_READ_AT_ONCE):
            checksum = zlib.crc32(part, checksum)
    return checksum


def settle(path: Path) -> None:
    """Wait until a file is on disk, safe from a loss of power; for a folder, until the names in it are."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Not every file system does this for folders.
        if error.errno != errno.EINVAL or not path.is_dir():
            raise
    finally:
        os.close(descriptor)
