"""Problems with data: reported beside the cohort, so that one bad resource does not stop the rest."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


class DataError(Exception):
    """Nothing can be read: the path does not exist, or the folder has no resources."""


def reason(error: OSError | DataError) -> str:
    """Why a file cannot be read, without its name."""
    return (isinstance(error, OSError) and error.strerror) or str(error)


def name_of(file: Path) -> str:
    """The name of a file for messages and stores: bytes that are not UTF-8 are replaced."""
    return os.fsencode(file).decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class DataProblem:
    """A problem: file, `entry` (of a bundle from 0, line of NDJSON from 1), patient, resource, and message."""

    file: str
    entry: int | None
    patient: str | None
    resource: str | None
    message: str

    @property
    def of_file(self) -> bool:
        """Whether it is about a whole file. Many other problems may come of it."""
        return self.entry is None and self.patient is None and self.resource is None

    def __str__(self) -> str:
        place = self.file if self.entry is None else f"{self.file}:{self.entry}"
        about = ", ".join(
            part for part in (self.patient and f"patient {self.patient}", self.resource) if part is not None
        )
        return f"{place}: {about}: {self.message}" if about else f"{place}: {self.message}"
