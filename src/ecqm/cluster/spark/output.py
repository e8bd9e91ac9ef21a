"""The output folder of a run on a file system of Hadoop.

While the run goes on, OUT/.running has

    run                                     which run it is
    owner                                   who writes it
    writing/NNNNN-…/                        what the writers of Spark have written, or begun to write, for a unit
    parts-…/populations.parquet/part-…      files of finished units; individual.ndjson, subject-list.json and
                                            populations.csv are such folders as well
    parts-…/counts/NNNNN.json               their counts; a unit with this file is finished

These folders of files become the results. Names of files are `part-NNNNN-RUN`, with the number of the unit: in the
order of their names, the files have the rows of a run in one process.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any
from uuid import uuid4

from ecqm.bundles.evaluation.batches import Stated
from ecqm.bundles.evaluation.selection import PlannedMeasures
from ecqm.cluster.spark.hadoop import HadoopPath
from ecqm.cluster.spark.merging import counts_in, merged_counts
from ecqm.data import DataError
from ecqm.reporting.results.files import ALL_FILES, ResultFiles, patient_level
from ecqm.reporting.results.parts import Part
from ecqm.reporting.results.recording import NOTHING_MORE, ResultOptions
from ecqm.reporting.results.run import RUNNING, MeasureOutcome, RunOutput


class HadoopOutput(RunOutput):
    """The patient-level results are written by tasks, into files of their own. Spark adds up the counts of finished
    units; what is made of these is written in a temporary folder of this machine and copied.

    Whatever must be whole is written under another name and renamed; where renaming is not one step (S3), a unit is
    finished only when the small file with its counts is there, and the same run started again renames what is left.
    The run can be continued from any machine. These file systems have no locks that end with their process: of two runs
    into one folder, the later one takes it over, and the other one ends with a DataError.
    """

    def __init__(
        self,
        target: HadoopPath,
        selection: PlannedMeasures,
        stated: Stated,
        options: ResultOptions = NOTHING_MORE,
        fingerprint: Any = None,
    ) -> None:
        self._target = target
        self._kept = target / RUNNING
        self._scratch = TemporaryDirectory(prefix="ecqm-")
        folder = Path(self._scratch.name)
        self._finished: set[int] = set()
        self._checking = Lock()
        state = self._kept / "run"
        before = state.read_bytes() if state.is_file() else b""
        if before:
            (folder / RUNNING).mkdir()
            (folder / RUNNING / "run").write_bytes(before)
        super().__init__(folder, selection, stated, options, fingerprint)
        self._owner = uuid4().hex.encode()
        now = self._state.read_bytes()
        self._run = hashlib.sha256(now).hexdigest()[:8]
        if now == before:
            self._finished.update(
                int(name.partition(".")[0]) for name in self._counts.names() if name.endswith(".json")
            )
        else:
            self._kept.remove()
            state.write_bytes(now)
        for name in patient_level(options):
            self._files(name).mkdir()
        (self._kept / "owner").write_bytes(self._owner)
        (self._kept / "writing").remove()

    def __exit__(self, *exception: object) -> None:
        super().__exit__(*exception)
        self._scratch.cleanup()

    @property
    def name(self) -> str:
        return str(self._target)

    @property
    def done(self) -> frozenset[int]:
        return frozenset(self._finished)

    @cached_property
    def total(self) -> Part:
        total = Part(not_run=dict(self.selection.not_planned))
        if self._finished:
            total.add(merged_counts(counts_in(self._counts), self.selection.measures))
        return total

    def attempt(self, number: int) -> HadoopPath:
        """A new folder for what is written for a unit: each patient-level result in a folder of its name."""
        return self._kept / "writing" / f"{number:05}-{uuid4().hex[:8]}"

    def keep(self, number: int, written: HadoopPath, counts: bytes) -> None:
        """Finish a unit: `written` is a folder of `attempt`. May be called in any thread. Raises OSError, DataError."""
        self._require_ownership()
        for name in patient_level(self.options):
            for file in (written / name).names():
                (written / name / file).replace(self._files(name) / f"part-{number:05}-{self._run}{Path(name).suffix}")
        written.remove()
        (self._counts / f"{number:05}.json").write_bytes(counts)
        self._finished.add(number)

    def check(self) -> None:
        """Raises OSError if nothing can be written, DataError if another run writes. May be called in any thread."""
        with self._checking:
            self._require_ownership()
            (self._kept / "owner").write_bytes(self._owner)

    def finish(self, about: Mapping[str, Any], refused: Sequence[str] = ()) -> list[MeasureOutcome]:
        self._require_ownership()
        outcomes = super().finish(about, refused)
        self._require_ownership()
        fresh = self._kept / "results"
        written = [name for name in ALL_FILES if (self.folder / name).exists()]
        for name in written:
            (fresh / name).upload(self.folder / name)
        for name in ALL_FILES:
            if name in patient_level(self.options):
                self._publish(name)
            elif name in written:
                (fresh / name).replace(self._target / name)
            else:
                (self._target / name).remove()
        if not refused:
            # First the file by which a run would continue, then the parts.
            (self._kept / "run").remove()
            self._kept.remove()
        return outcomes

    def _gather(self, files: ResultFiles) -> None:
        """The patient-level results are in place already."""

    def _publish(self, name: str) -> None:
        """Put the files of a patient-level result in place of those of an earlier run.

        Some of this run's files may be in place: those of units that could be read when others could not, or all if
        this was interrupted.
        """
        files, target = self._files(name), self._target / name
        if any(self._run in file for file in target.names()):
            for file in files.names():
                (files / file).replace(target / file)
        elif files.names():
            files.replace(target)
        else:
            target.remove()

    @property
    def _kept_parts(self) -> HadoopPath:
        return self._kept / self.path_of(0).parent.name

    @property
    def _counts(self) -> HadoopPath:
        return self._kept_parts / "counts"

    def _files(self, name: str) -> HadoopPath:
        """The folder for the files of a patient-level result."""
        return self._kept_parts / name

    def _require_ownership(self) -> None:
        try:
            owner = (self._kept / "owner").read_bytes()
        except FileNotFoundError:
            owner = b""
        if owner != self._owner:
            raise DataError(f"{self._target} is being written by another run, which started later")
