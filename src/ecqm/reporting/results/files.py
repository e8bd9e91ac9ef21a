"""The files in the output folder of a run (listed in `ecqm.reporting.results.run`)."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ecqm.measures.results.table import write_csv
from ecqm.reporting.results.counts import COUNTS

SUMMARY, SUBJECT_LIST, SCORES = "summary.json", "subject-list.json", "scores.csv"
ERRORS, RUN = "errors.json", "run.json"
_POPULATIONS, _POPULATIONS_CSV, _INDIVIDUAL = "populations.parquet", "populations.csv", "individual.ndjson"
# In the order in which they are put in place: run.json is the last.
ALL_FILES = (_POPULATIONS, _POPULATIONS_CSV, SCORES, _INDIVIDUAL, SUBJECT_LIST, SUMMARY, COUNTS, ERRORS, RUN)


class ResultFiles:
    """Writes result files into the folder `fresh`, and moves them to `folder` when all are complete."""

    def __init__(self, folder: Path, fresh: Path) -> None:
        self._folder = folder
        self._fresh = fresh
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()

    def path(self, name: str) -> Path:
        """Where to write a file."""
        return self._fresh / name

    def write_json(self, name: str, content: Any) -> None:
        """Write a JSON file."""
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        # Names of files may not be valid UTF-8; JSON must be.
        self.path(name).write_bytes(text.encode("utf-8", "replace"))

    def gather_populations(self, parts: Sequence[Path], csv: bool) -> None:
        """The table of populations: that of a single part as a file, those of several in a folder; with `csv` also as
        one CSV file."""
        target = self.path(_POPULATIONS)
        if len(parts) == 1:
            _share(parts[0], target)
        elif parts:
            target.mkdir()
            for path in parts:
                _share(path, target / f"part-{path.name}")
        if csv:
            write_csv(parts, self.path(_POPULATIONS_CSV))

    def gather_individual(self, parts: Sequence[Path]) -> None:
        """Individual reports of all parts in one file."""
        with self.path(_INDIVIDUAL).open("wb") as target:
            for path in parts:
                with path.open("rb") as source:
                    shutil.copyfileobj(source, target)

    def publish(self) -> None:
        """Move the files into the output folder, and remove those of an earlier run that were not written again."""
        for name in ALL_FILES:
            fresh, target = self.path(name), self._folder / name
            if target.is_dir() or fresh.is_dir() or not fresh.exists():
                _remove(target)
            if fresh.exists():
                os.replace(fresh, target)


def _share(path: Path, other: Path) -> None:
    """Link a file, or copy it where links are not supported."""
    try:
        os.link(path, other)
    except OSError:
        shutil.copyfile(path, other)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
