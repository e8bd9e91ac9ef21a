"""What is expected of the patients of a package: results of a reference engine, and values that authors wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from ecqm.bundles.content.documents import ContentError
from ecqm.bundles.packages.runner import PackagePlan
from ecqm.bundles.packages.terms import POPULATIONS
from ecqm.json_decoding import json_decoder
from ecqm.measures.explanation.relevance import STRATUM

COUNTED = {**{name: code.value for name, code in POPULATIONS.items()}, STRATUM: "stratifier"}
"""What is counted in a population set, by its abbreviation: codes of populations, and membership of the stratum."""


class ExpectedSet(msgspec.Struct, forbid_unknown_fields=False):
    """What is expected of a population set: counts by population; observed values, episodes and statements if known."""

    counts: dict[str, float]
    observations: list[float] | None = None
    episodes: dict[str, dict[str, float]] | None = None
    statements: dict[str, dict[str, str]] | None = None


class _Authored(msgspec.Struct):
    expectedValues: list[dict[str, Any]] | None = None


def authored_expectations(file: Path, plan: PackagePlan) -> dict[str, ExpectedSet]:
    """The expectations of a patient's author for a measure, by population set; empty if there are none."""
    try:
        values = json_decoder(_Authored)(file.read_bytes()).expectedValues or []
    except msgspec.DecodeError:
        return {}
    measure = plan.measure.measure
    sets = [group.id for group in measure.groups]
    sets += [stratifier.id for group in measure.groups for stratifier in group.stratifiers]
    of_measure = [value for value in values if f"urn:uuid:{value.get('measure_id')}" == measure.url] or values
    found: dict[str, ExpectedSet] = {}
    for value in of_measure:
        index = value.get("population_index")
        if isinstance(index, int) and 0 <= index < len(sets):
            told = {name: value[name] or 0 for name in COUNTED if name in value}
            counts = {name: float(count) for name, count in told.items() if isinstance(count, int | float)}
            found.setdefault(sets[index], ExpectedSet(counts))
    return found


class _Reference(msgspec.Struct):
    set: str
    measureFile: str
    patient: str
    result: dict[str, dict[str, Any]]


def read_reference(path: Path, name: str) -> dict[tuple[str, str], dict[str, ExpectedSet]]:
    """The results of a set's runs, by files of measure and patient. Raises ContentError."""
    try:
        runs = json_decoder(list[_Reference])(path.read_bytes())
    except msgspec.DecodeError as error:
        raise ContentError(f"{path} holds no reference results: {error}") from error
    return {
        (run.measureFile, run.patient): {key: _expected(value) for key, value in run.result.items()}
        for run in runs
        if run.set == name
    }


def _expected(value: dict[str, Any]) -> ExpectedSet:
    episodes = value.get("episode_results")
    observed = value.get("observation_values")
    return ExpectedSet(
        {name: float(value[name]) for name in COUNTED if name in value},
        None if observed is None else [float(each) for each in observed if each is not None],
        None
        if episodes is None
        else {name: {p: n for p, n in of.items() if p in COUNTED} for name, of in episodes.items()},
        value.get("statements"),
    )
