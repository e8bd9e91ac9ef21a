"""All counts of a run with the identifiers of what is counted: DIR/counts.json, from which submissions are made.

In a MeasureReport, strata have only the populations that the measure applies them to, and supplemental data are not
counted within populations. Here all of it is counted, without identifying patients.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import msgspec

from ecqm.json_decoding import json_decoder
from ecqm.measures.definition import Aggregate, Measure, PopulationCode, Scoring
from ecqm.measures.definition.period import closed_period
from ecqm.measures.evaluation.cms_supplements import Counted, SupplementalElement, element_of
from ecqm.measures.scoring.tally import GroupTally, StratifierTally, Tally, aggregate
from ecqm.values.text import iso_text

COUNTS = "counts.json"

# The file may have been edited by hand before it is read. Therefore the structs check their consistency when they are
# made.
_Number = Annotated[int, msgspec.Meta(ge=0)]


class PopulationCount(msgspec.Struct, frozen=True):
    """Members of a population: patients, or episodes in a group that counts these."""

    id: str
    code: PopulationCode
    identifier: str | None
    count: _Number

    def __post_init__(self) -> None:
        if self.code is PopulationCode.MEASURE_OBSERVATION:
            raise ValueError(f"{self.id} is an observation, which has no members")


class Observed(msgspec.Struct, frozen=True):
    """The observations of a population: `value` is the aggregate by `method` of `values` observations that are not
    null, in a `unit` if it has one."""

    id: str
    identifier: str | None
    population: str | None
    method: Aggregate
    values: _Number
    value: float | None
    unit: str | None = None


class StratumCount(msgspec.Struct, frozen=True):
    """Members of all populations in a stratum: those with a label of a stratifier (`true` of a criterion)."""

    stratifier: str
    identifier: str | None
    label: str
    populations: dict[str, _Number]
    observations: list[Observed]


class CodesCount(msgspec.Struct, frozen=True):
    """The number of patients with exactly these codes, (system, code) each, of an element."""

    codes: list[tuple[str, str]]
    patients: _Number


class GroupCount(msgspec.Struct, frozen=True):
    """A group. `supplements` has, by population and element, how many patients have which codes; it is empty unless
    requested."""

    id: str
    scoring: Scoring
    basis: str
    score: float | None
    populations: list[PopulationCount]
    observations: list[Observed]
    strata: list[StratumCount]
    supplements: dict[str, dict[SupplementalElement, list[CodesCount]]]

    def __post_init__(self) -> None:
        ids = [population.id for population in self.populations]
        if len(set(ids)) != len(ids):
            raise ValueError(f"two populations of group {self.id} have one id")
        for stratum in self.strata:
            if lacking := [each for each in ids if each not in stratum.populations]:
                told = f"stratum {stratum.label!r} of {stratum.stratifier}"
                raise ValueError(f"{told} does not say how many are in {', '.join(lacking)}")

    def having(self, code: PopulationCode) -> list[PopulationCount]:
        """The populations with this code, in their order."""
        return [population for population in self.populations if population.code is code]

    def count(self, code: PopulationCode) -> int | None:
        """Members of the populations with this code; None if the group has no such population."""
        found = self.having(code)
        return sum(population.count for population in found) if found else None


class MeasureCount(msgspec.Struct, frozen=True):
    """A measure, with its own identifiers. Periods are (start, end) as reports write them; `errors` counts the patients
    who are in no population because their evaluation failed."""

    name: str
    canonical: str
    title: str | None
    cms: str | None
    version_specific: str | None
    version_independent: str | None
    effective_period: tuple[str | None, str | None]
    period: tuple[str, str]
    errors: _Number
    groups: list[GroupCount]

    @property
    def days(self) -> tuple[str, str]:
        """The first and the last day of the period (2026-01-01), which may be stated as years. Raises MeasureError."""
        period = closed_period(*self.period)
        return iso_text(period.low)[:10], iso_text(period.high)[:10]


class Counts(msgspec.Struct, frozen=True):
    """All measures of a run, evaluated at a moment."""

    date: str
    measures: list[MeasureCount]

    def write(self, path: Path) -> None:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n")


def read_counts(path: Path) -> Counts:
    """Read what `Counts.write` wrote. Raises OSError, msgspec.DecodeError."""
    return json_decoder(Counts)(path.read_bytes())


def measure_count(
    measure: Measure,
    period: tuple[str, str],
    tallies: Sequence[GroupTally],
    errors: int,
    supplements: Mapping[str, Counter[Counted]],
) -> MeasureCount:
    """The counts of a measure; `supplements` are those of its groups, by id, if they were requested."""
    elements = [element for each in measure.supplemental_data if (element := element_of(each)) is not None]
    return MeasureCount(
        measure.name,
        measure.canonical,
        measure.title,
        measure.identifiers.cms,
        measure.identifiers.version_specific,
        measure.identifiers.version_independent,
        measure.period,
        period,
        errors,
        [_group(tally, supplements.get(tally.group.id), elements) for tally in tallies],
    )


def _group(
    tally: GroupTally, supplements: Counter[Counted] | None, elements: Sequence[SupplementalElement]
) -> GroupCount:
    group = tally.group
    members = tally.overall.members
    return GroupCount(
        group.id,
        group.scoring,
        group.basis,
        tally.score(),
        [PopulationCount(each.id, each.code, each.identifier, members[each.id]) for each in group.criteria],
        _observed(tally, tally.overall),
        [stratum for each in tally.stratifiers for stratum in _strata(tally, each)],
        {} if supplements is None else _supplements(tally, supplements, elements),
    )


def _observed(group: GroupTally, tally: Tally) -> list[Observed]:
    return [
        Observed(
            each.id,
            each.identifier,
            each.criteria_reference,
            each.aggregate,
            len(tally.observed[each.id]),
            aggregate(each.aggregate, tally.observed[each.id]),
            tally.observed_unit(each),
        )
        for each in group.group.observations
        if each.aggregate is not None
    ]


def _strata(group: GroupTally, stratifier: StratifierTally) -> list[StratumCount]:
    return [
        StratumCount(
            stratifier.stratifier.id,
            stratifier.stratifier.identifier,
            ", ".join(labels),
            dict(tally.members),
            _observed(group, tally),
        )
        for labels, tally in stratifier.strata.items()
    ]


def _supplements(
    tally: GroupTally, counter: Mapping[Counted, int], elements: Sequence[SupplementalElement]
) -> dict[str, dict[SupplementalElement, list[CodesCount]]]:
    """Counts by population and element; a population without members has all elements of the measure, empty."""
    found: dict[str, dict[SupplementalElement, list[CodesCount]]] = {
        each.id: {element: [] for element in elements} for each in tally.group.criteria
    }
    for (population, element, codes), patients in sorted(counter.items()):
        # An element that could not be evaluated for some patients may have been counted for others.
        counts = found[population].get(SupplementalElement(element), [])
        counts.append(CodesCount([(system, code) for system, code in json.loads(codes)], patients))
    return found
