"""The output folder of a run on a file system of Hadoop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

from ecqm.bundles.evaluation.batches import Stated
from ecqm.bundles.evaluation.selection import PlannedMeasures
from ecqm.cluster.spark.hadoop import HadoopPath
from ecqm.data import DataError
from ecqm.reporting.results.files import ALL_FILES
from ecqm.reporting.results.recording import NOTHING_MORE, ResultOptions
from ecqm.reporting.results.run import RUNNING, MeasureOutcome, RunOutput
from ecqm.reporting.results.transport import unpack_part

_PART = ".part"


class HadoopOutput(RunOutput):
    """Makes the results of a run in a temporary folder of this machine, and puts them into a folder elsewhere.

    Parts are kept there as they come, in `.running`, so that the run can be continued from any machine. These file
    systems have no locks that end with their process: of two runs into one folder, the later one takes it over, and the
    other one ends with a DataError.
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
        state = self._kept / "run"
        before = state.read_bytes() if state.is_file() else b""
        if before:
            (folder / RUNNING).mkdir()
            (folder / RUNNING / "run").write_bytes(before)
        super().__init__(folder, selection, stated, options, fingerprint)
        self._mark = uuid4().hex.encode()
        if self._state.read_bytes() == before:
            self._take_parts()
        else:
            self._kept.remove()
            state.write_bytes(self._state.read_bytes())
        (self._kept / "owner").write_bytes(self._mark)

    def __exit__(self, *exception: object) -> None:
        super().__exit__(*exception)
        self._scratch.cleanup()

    @property
    def name(self) -> str:
        return str(self._target)

    def receive(self, number: int, packed: bytes) -> None:
        self._require_ownership()
        (self._kept_parts / f"{number:05}{_PART}").write_bytes(packed)
        super().receive(number, packed)

    def finish(self, about: Mapping[str, Any], refused: Sequence[str] = ()) -> list[MeasureOutcome]:
        outcomes = super().finish(about, refused)
        self._require_ownership()
        fresh = self._kept / "results"
        written = [name for name in ALL_FILES if (self.folder / name).exists()]
        for name in written:
            (fresh / name).upload(self.folder / name)
        for name in ALL_FILES:
            if name in written:
                (fresh / name).replace(self._target / name)
            else:
                (self._target / name).remove()
        if not refused:
            # First the file by which a run would continue, then the parts.
            (self._kept / "run").remove()
            self._kept.remove()
        return outcomes

    @property
    def _kept_parts(self) -> HadoopPath:
        return self._kept / self.path_of(0).parent.name

    def _take_parts(self) -> None:
        """Take the parts of the interrupted run."""
        parts = self.path_of(0).parent
        parts.mkdir(exist_ok=True)
        if self._kept_parts.is_dir():
            received = self.folder / RUNNING / "received"
            self._kept_parts.download(received)
            for file in sorted(received.glob(f"*{_PART}")):
                unpack_part(file.read_bytes(), parts / file.stem)

    def _require_ownership(self) -> None:
        try:
            owner = (self._kept / "owner").read_bytes()
        except FileNotFoundError:
            owner = b""
        if owner != self._mark:
            raise DataError(f"{self._target} is being written by another run, which started later")
