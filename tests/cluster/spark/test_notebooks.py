"""Measures on a DataFrame of FHIR JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ecqm.api import select
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
    result = SparkCohort(frame).evaluate(select(SAMPLE), PERIOD, partitions=3)
    groups, table = cohorts.results(expected)
    assert [(report["measure"], report["group"]) for report in result.reports] == groups
    key = ("measure", "group", "patient", "episode")
    found = [row.asDict() for row in result.populations.collect()]
    assert sorted(found, key=lambda row: [row[name] or "" for name in key]) == table
