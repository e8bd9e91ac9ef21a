"""Where a cohort store is: a local path, or a folder on another file system."""

from __future__ import annotations

from typing import Protocol, Self


class Folder(Protocol):
    """A folder to read from. A `pathlib.Path` is one; other file systems need only these methods, with its errors."""

    def __truediv__(self, name: str, /) -> Self: ...

    def is_file(self) -> bool: ...

    def is_dir(self) -> bool: ...

    def read_bytes(self) -> bytes: ...
