"""Measures on a DataFrame of FHIR JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ecqm.api import select
from ecqm.cluster.spark.notebooks import _with_patients
from tests.cli.samples import PERIOD, SAMPLE
from tests.cluster import cohorts


def test_a_data_frame_of_resources(session: Any, store: Path, expected: Path) -> None:
    from ecqm.cluster.spark import SparkCohort

    lines = [
        json.loads(line)
        for name in ("Patient", "Encounter")
        for line in (store.parent / "files" / f"{name}.ndjson").read_text("utf-8").splitlines()
    ]
    rows = [
        (each["subject"]["reference"].partition("/")[2] if "subject" in each else each["id"], json.dumps(each))
        for each in lines
    ]
    location = json.dumps({"resourceType": "Location", "id": "ward"})
    frame = session.createDataFrame([*rows, (None, location)], "patient string, resource string")
    assert _results(SparkCohort(frame)) == cohorts.results(expected)


def test_files_of_ndjson(session: Any, store: Path, expected: Path) -> None:
    from ecqm.cluster.spark import SparkCohort

    assert _results(SparkCohort.of_ndjson(session, f"file://{store.parent / 'files'}")) == cohorts.results(expected)


def _results(cohort: Any) -> tuple[Any, list[dict[str, Any]]]:
    result = cohort.evaluate(select(SAMPLE), PERIOD, partitions=3)
    key = ("measure", "group", "patient", "episode")
    rows = sorted((row.asDict() for row in result.populations.collect()), key=lambda row: [row[k] or "" for k in key])
    return [(report["measure"], report["group"]) for report in result.reports], rows


@pytest.mark.parametrize("odd", ["", "nonsense", '{"resourceType": "Bundle", "entry": []}', '{"resourceType": 1}'])
def test_lines_that_are_no_resources_have_no_patient(odd: str) -> None:
    of_patient = '{"resourceType": "Encounter", "id": "e", "subject": {"reference": "Patient/a"}}'
    for lines, patients in (([of_patient] * 2, ["a", "a"]), ([of_patient, odd, of_patient], ["a", None, "a"])):
        (batch,) = _with_patients(iter([pa.record_batch({"value": pa.array(lines, pa.string())})]))
        assert batch.column("patient").to_pylist() == patients
