"""Many small patients for the sample measures, as files and as a store, and runs over them."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet

from ecqm.api import select
from ecqm.bundles.evaluation.batches import Evaluation
from ecqm.cluster.units import Unit, units_of
from ecqm.cluster.worker import Shipment
from ecqm.data import Cohort, Demand
from ecqm.data.loading.load import load
from ecqm.data.loading.processes import Processes
from ecqm.data.source import PatientData
from ecqm.reporting.results.recording import ResultOptions
from ecqm.reporting.results.run import RunOutput
from ecqm.terminology import CodeIndex
from ecqm.values import DateTime, EvaluationContext
from tests.cli.samples import SAMPLE, stay

STATED = ("2026-01-01", "2026-12-31")
MOMENT = EvaluationContext(DateTime(2027, 1, 15, 10, 0, 0, 0, 0))


def write_ndjson(folder: Path, patients: int = 60) -> Path:
    """Patients with stays of one to ten days, as files by type. Every seventh stay does not count."""
    folder.mkdir(parents=True)
    resources = [
        resource
        for number in range(patients)
        for resource in stay(
            f"p{number}",
            status="planned" if number % 7 == 0 else "finished",
            period={"start": "2026-02-03T14:00:00Z", "end": f"2026-02-{4 + number % 10:02}T15:00:00Z"},
        )
    ]
    for name in ("Patient", "Encounter"):
        lines = [json.dumps(resource) for resource in resources if resource["resourceType"] == name]
        (folder / f"{name}.ndjson").write_text("\n".join(lines) + "\n", "utf-8")
    return folder


def write_store(folder: Path, patients: int = 60, shard_size: int = 8_000) -> Path:
    """The same patients in a store of several shards."""
    load([write_ndjson(folder / "files", patients)], folder / "store", shard_size=shard_size)
    return folder / "store"


def evaluation(supplements: bool = False) -> Evaluation:
    """An evaluation of the sample measures at a fixed time."""
    measures = select(SAMPLE)
    return Evaluation(measures.plans, measures.content.value_sets, STATED, supplements, context=MOMENT)


def output(folder: Path) -> RunOutput:
    return RunOutput(folder, select(SAMPLE), STATED, ResultOptions(subject_list=True))


def shipment(to: RunOutput) -> Shipment:
    return Shipment(evaluation(), to.recorder)


def units(path: Path, spools: Path, unit_size: int = 1 << 20, processes: Processes | None = None) -> dict[int, Unit]:
    return dict(enumerate(units_of(PatientData([path]), spools, unit_size, processes=processes)))


def results(folder: Path) -> tuple[Any, list[dict[str, Any]]]:
    """The results of a run, without what depends on its time and on its number of parts."""
    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    groups = [(entry["resource"]["measure"], entry["resource"]["group"]) for entry in summary["entry"]]
    rows = pyarrow.parquet.read_table(folder / "populations.parquet").to_pylist()
    return groups, sorted(rows, key=lambda row: (row["measure"], row["group"], row["patient"], row["episode"] or ""))


def members(folder: Path) -> dict[Any, list[str]]:
    """The members of all populations, in order of their names, by measure and number of the list."""
    path = folder / "subject-list.json"
    found: dict[Any, list[str]] = {}
    for file in path.iterdir() if path.is_dir() else [path]:
        for entry in json.loads(file.read_text("utf-8"))["entry"]:
            for number, contained in enumerate(entry["resource"]["contained"]):
                references = [item["item"]["reference"] for item in contained.get("entry", ())]
                found.setdefault((entry["resource"]["measure"], number), []).extend(references)
    return {key: sorted(references) for key, references in found.items()}


@dataclass(frozen=True)
class DeadlyUnit:
    """A unit that kills its process a given number of times."""

    unit: Unit
    marks: Path
    times: int

    @property
    def name(self) -> str:
        return self.unit.name

    def cohort(self, demand: Demand, codes: CodeIndex) -> Cohort:
        self.marks.mkdir(exist_ok=True)
        deaths = len(list(self.marks.iterdir()))
        if deaths < self.times:
            (self.marks / str(deaths)).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return self.unit.cohort(demand, codes)


def deadly(units: Mapping[int, Unit], number: int, marks: Path, times: int) -> dict[int, Unit]:
    return {**units, number: DeadlyUnit(units[number], marks, times)}


def told(done: Sequence[int], units: Mapping[int, Unit]) -> bool:
    """Whether each unit was reported once."""
    return sorted(done) == sorted(units)
