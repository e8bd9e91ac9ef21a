"""Two runs compared, row by row."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from ecqm.measures.results.table import POPULATION_COLUMNS, table_schema
from ecqm.reporting.results.comparison import Comparison, RunRows, compare
from ecqm.reporting.results.comparison_rendering import comparison_json, comparison_text

NAME = "CMS9FHIRSample"


def row(patient: str, *populations: str, measure: str = NAME, **more: Any) -> dict[str, Any]:
    members = {column: column in populations for column in POPULATION_COLUMNS.values()}
    return {"measure": measure, "group": "g", "patient": patient, **members, **more}


def run(*rows: dict[str, Any], score: float | None = None, observations: int = 0) -> RunRows:
    table = pa.Table.from_pylist(list(rows), schema=table_schema(observations)).drop_columns(["strata"])
    return RunRows(table, {(each["measure"], "g"): score for each in rows})


def told(found: Comparison) -> dict[str, tuple[int, ...]]:
    return {each.what: (each.before, each.after, each.gained, each.lost, each.changed) for each in found.differences}


def test_members_who_came_and_went_are_counted_apart() -> None:
    before = run(row("a", "numerator"), row("b", "numerator"), row("c"))
    after = run(row("c", "numerator"), row("b", "numerator"), row("a"))
    found = compare(before, after)
    assert told(found) == {"numerator": (2, 2, 1, 1, 0)}
    changes = {each["patient"]: (each["before"], each["after"]) for each in found.changes.to_pylist()}
    assert changes == {"a": (1, 0), "c": (0, 1)}
    assert not found.equal and compare(before, before).equal


def test_episodes_are_told_apart_and_may_be_in_one_run_only() -> None:
    before = run(row("a", "denominator", episode="e1"), row("a", "denominator", episode="e2"))
    after = run(row("a", "denominator", episode="e2"), row("a", "denominator", episode="e3"))
    found = compare(before, after)
    assert told(found) == {"denominator": (2, 2, 1, 1, 0)}
    assert {each["episode"] for each in found.changes.to_pylist()} == {"e1", "e3"}
    assert found.differences[0].examples == ("a",)


def test_observations_have_other_values_or_none() -> None:
    before = run(
        *(row(name, observation_1=value) for name, value in zip("abc", (1.0, 2.0, None), strict=True)), observations=1
    )
    after = run(
        *(row(name, observation_1=value) for name, value in zip("abc", (1.0, 3.0, 4.0), strict=True)), observations=1
    )
    assert told(compare(before, after)) == {"observation_1": (2, 3, 1, 0, 1)}
    assert told(compare(after, run(row("a"), row("b"), row("c")))) == {"observation_1": (3, 0, 0, 3, 0)}


def test_measures_are_matched_by_cms_id_if_their_names_differ() -> None:
    before = run(row("a", "numerator", measure="CMS9FHIRFormerName"), row("a", measure="CMS8Gone"))
    found = compare(before, run(row("a", measure=NAME), row("a", measure="CMS7New")))
    assert told(found) == {"numerator": (1, 0, 0, 1, 0)}
    assert found.only_before == (("CMS8Gone", "g"),) and found.only_after == (("CMS7New", "g"),)


def test_scores_that_are_shown_alike_are_alike() -> None:
    before = run(row("a"), score=0.50001)
    assert compare(before, run(row("a"), score=0.5)).equal
    assert compare(before, run(row("a"), score=None)).scores == {(NAME, "g"): (0.50001, None)}


def test_patients_of_one_run_only_are_counted() -> None:
    found = compare(run(row("a"), row("b")), run(row("b"), row("c"), row("d")))
    assert found.patients == (1, 1, 2) and found.equal
    assert comparison_text(found, 80).splitlines() == ["only before: 1 patient", "only after: 2 patients"]


@pytest.mark.parametrize("width", [60, 200])
def test_the_table(width: int) -> None:
    before = run(*(row(name, "numerator") for name in "abcd"), score=1.0)
    lines = comparison_text(compare(before, run(*map(row, "abcd"), score=0.0)), width).splitlines()
    assert max(map(len, lines)) <= width
    if width == 200:
        assert lines[1].split() == [NAME, "g", "numerator", "4", "0", "4", "a,", "b,", "c,", "…"]
        assert lines[2].split() == [NAME, "g", "score", "1.0000", "0.0000"]


def test_json_has_what_the_table_has() -> None:
    made = comparison_json(compare(run(row("a", "numerator")), run(row("a"))))
    assert made["differences"] == [
        {"measure": NAME, "group": "g", "what": "numerator", "before": 1, "after": 0,
         "gained": 0, "lost": 1, "changed": 0, "examples": ["a"]}
    ]  # fmt: skip
    assert made["patients"] == {"both": 1, "onlyBefore": 0, "onlyAfter": 0}
