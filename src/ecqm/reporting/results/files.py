"""The files in the output folder of a run (listed in `ecqm.reporting.results.run`)."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ecqm.measures.results.fhir_elements import Json
from ecqm.measures.results.table import write_csv
from ecqm.reporting.results.counts import COUNTS
from ecqm.reporting.results.failed_groups import FailedGroups
from ecqm.reporting.results.members import MEMBERS, write_subject_lists
from ecqm.reporting.results.recording import INDIVIDUAL, POPULATIONS, ResultOptions

POPULATIONS_TABLE, POPULATIONS_CSV, REPORTS = "populations.parquet", "populations.csv", "individual.ndjson"
SUMMARY, SUBJECT_LIST, SCORES = "summary.json", "subject-list.json", "scores.csv"
ERRORS, RUN = "errors.json", "run.json"
# In the order in which they are put in place: run.json is the last.
ALL_FILES = (POPULATIONS_TABLE, POPULATIONS_CSV, SCORES, REPORTS, SUBJECT_LIST, SUMMARY, COUNTS, ERRORS, RUN)

PartFiles = Callable[[str], Sequence[Path]]
"""The files of some parts in order, by their kind (the suffix, such as `POPULATIONS`)."""


def patient_level(options: ResultOptions) -> tuple[str, ...]:
    """The names of the results that name patients, so that their size depends on the number of patients."""
    asked = (True, options.csv, options.individual, options.subject_list)
    names = (POPULATIONS_TABLE, POPULATIONS_CSV, REPORTS, SUBJECT_LIST)
    return tuple(name for name, wanted in zip(names, asked, strict=True) if wanted)


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

    def gather(
        self,
        parts: PartFiles,
        options: ResultOptions,
        lists: Mapping[str, Json],
        failed: FailedGroups | None = None,
    ) -> None:
        """Write the patient-level results from the files of parts; `lists` are the reports for members, by canonical as
        returned by `subject_lists`. Groups that `failed` are left out."""
        tables = self._gather_populations(parts(POPULATIONS), failed)
        if options.csv:
            write_csv(tables, self.path(POPULATIONS_CSV))
        if options.individual:
            self._gather_individual(parts(INDIVIDUAL), failed)
        if options.subject_list:
            write_subject_lists(lists, parts(MEMBERS), self._fresh / "lists", self.path(SUBJECT_LIST))

    def _gather_populations(self, parts: Sequence[Path], failed: FailedGroups | None) -> list[Path]:
        """The table of a single part as a file, those of several in a folder. Returns the files."""
        target = self.path(POPULATIONS_TABLE)
        if len(parts) > 1:
            target.mkdir()
        targets = [target if len(parts) == 1 else target / f"part-{path.name}" for path in parts]
        for path, written in zip(parts, targets, strict=True):
            if failed:
                failed.out_of_file(path, written)
            else:
                _share(path, written)
        return targets

    def _gather_individual(self, parts: Sequence[Path], failed: FailedGroups | None) -> None:
        if len(parts) == 1 and not failed:
            _share(parts[0], self.path(REPORTS))
            return
        with self.path(REPORTS).open("wb") as target:
            for path in parts:
                with path.open("rb") as source:
                    if failed:
                        target.writelines(failed.out_of_reports(source))
                    else:
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
