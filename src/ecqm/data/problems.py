"""What is wrong with data that was read: reported beside the cohort, never raised for one resource among many."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


class DataError(Exception):
    """Data of which nothing can be read: a path that does not exist, a folder without resources."""


def name_of(file: Path) -> str:
    """The name of a file as it is told and kept in stores: what is not UTF-8 in it is replaced."""
    return os.fsencode(file).decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class DataProblem:
    """One finding: where (`file`; `entry` of a bundle from 0, or line of NDJSON from 1), whose, of what, and what."""

    file: str
    entry: int | None
    patient: str | None
    resource: str | None
    message: str

    def __str__(self) -> str:
        place = self.file if self.entry is None else f"{self.file}:{self.entry}"
        about = ", ".join(
            part for part in (self.patient and f"patient {self.patient}", self.resource) if part is not None
        )
        return f"{place}: {about}: {self.message}" if about else f"{place}: {self.message}"
