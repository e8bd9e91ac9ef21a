"""What MeasureReports expect of a test case (profile test-case-cqfm of the Quality Measure IG).

A report states expectations if it has no profile, has the profile of a test case, or is marked as a test case
(cqfm-isTestCase). Decks of earlier years have plain individual reports, which count if there is no other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from ecqm.json_decoding import json_decoder
from ecqm.measures.decks.observations import (
    ContainedObservation,
    ContainedResource,
    ExpectedPopulation,
    contained_observations,
)
from ecqm.measures.definition.extensions import code_of, label_of
from ecqm.measures.definition.resource import CodeableConcept, Period


class _Quantity(msgspec.Struct, frozen=True):
    value: float | None = None
    unit: str | None = None
    code: str | None = None


class _Population(msgspec.Struct, frozen=True):
    id: str | None = None
    code: CodeableConcept | None = None
    count: float | None = None


class _StratumComponent(msgspec.Struct, frozen=True):
    value: CodeableConcept | None = None


class _Stratum(msgspec.Struct, frozen=True):
    value: CodeableConcept | None = None
    component: list[_StratumComponent] | None = None
    population: list[_Population] | None = None
    measureScore: _Quantity | None = None


class _Stratifier(msgspec.Struct, frozen=True):
    id: str | None = None
    code: list[CodeableConcept] | None = None
    stratum: list[_Stratum] | None = None


class _Group(msgspec.Struct, frozen=True):
    id: str | None = None
    population: list[_Population] | None = None
    stratifier: list[_Stratifier] | None = None
    measureScore: _Quantity | None = None


class _Meta(msgspec.Struct, frozen=True):
    profile: list[str] | None = None


class _Reference(msgspec.Struct, frozen=True):
    reference: str | None = None


class _Extension(msgspec.Struct, frozen=True):
    url: str = ""
    valueMarkdown: str | None = None
    valueString: str | None = None
    valueBoolean: bool | None = None


class ReportResource(msgspec.Struct, frozen=True):
    """A MeasureReport, as far as expectations need it."""

    resourceType: str = ""
    id: str | None = None
    meta: _Meta | None = None
    contained: list[ContainedResource] | None = None
    extension: list[_Extension] | None = None
    modifierExtension: list[_Extension] | None = None
    type: str | None = None
    subject: _Reference | None = None
    measure: str | None = None
    period: Period | None = None
    group: list[_Group] | None = None


class _Kind(msgspec.Struct, frozen=True):
    resourceType: str = ""


class _Entry(msgspec.Struct, frozen=True):
    resource: msgspec.Raw = msgspec.Raw(b"{}")


class _Bundle(msgspec.Struct, frozen=True):
    entry: list[_Entry] | None = None


# test-case-cqfm, and cqm-testcase of the international guide.
_TEST_CASE = re.compile(r"test-?case", re.IGNORECASE)

_decode_kind = json_decoder(_Kind)
_decode_bundle = json_decoder(_Bundle)
_decode_report = json_decoder(ReportResource)


@dataclass(frozen=True)
class ExpectedStratum:
    """A stratum of a test case, with the counts of its populations."""

    value: str | None
    populations: tuple[ExpectedPopulation, ...]


@dataclass(frozen=True)
class ExpectedStratifier:
    """The strata of one stratifier of a test case."""

    id: str | None
    code: str | None
    strata: tuple[ExpectedStratum, ...]


@dataclass(frozen=True)
class ExpectedGroup:
    """`observations` are separate from the populations: each is the value of one observation on one episode."""

    id: str | None
    populations: tuple[ExpectedPopulation, ...]
    observations: tuple[ExpectedPopulation, ...]
    stratifiers: tuple[ExpectedStratifier, ...]
    score: float | None


@dataclass(frozen=True)
class Expectation:
    """The expectation in one MeasureReport: for which measure (canonical), period and patient. `contained` are observed
    values outside of the groups."""

    measure: str | None
    period: tuple[str | None, str | None]
    patient_id: str | None
    description: str | None
    groups: tuple[ExpectedGroup, ...]
    contained: tuple[ContainedObservation, ...] = ()


def expectations_of(reports: Sequence[ReportResource]) -> tuple[Expectation, ...]:
    """The distinct expectations of the reports of one case."""
    meant = [report for report in reports if _is_test_case(report)]
    meant = meant or [report for report in reports if report.type == "individual"]
    return tuple(dict.fromkeys(map(_expectation, meant)))


def reports_in(data: bytes) -> Iterator[ReportResource]:
    """The MeasureReports in a bundle, or the resource itself if it is one. Raises msgspec.DecodeError."""
    kind = _decode_kind(data).resourceType
    if kind == "Bundle":
        for entry in _decode_bundle(data).entry or ():
            content = bytes(entry.resource)
            if b"MeasureReport" in content:
                yield from reports_in(content)
    elif kind == "MeasureReport":
        yield _decode_report(data)


def _is_test_case(report: ReportResource) -> bool:
    profiles = (report.meta.profile if report.meta else None) or []
    said = any(
        extension.url.endswith("-isTestCase") and extension.valueBoolean
        for extension in (*(report.extension or ()), *(report.modifierExtension or ()))
    )
    return not profiles or said or any(_TEST_CASE.search(profile) for profile in profiles)


def _expectation(report: ReportResource) -> Expectation:
    parameters = [p for contained in report.contained or () for p in contained.parameter or ()]
    subject = next((p.valueString for p in parameters if p.name == "subject"), None)
    if subject is None and report.subject and report.subject.reference:
        subject = report.subject.reference.rsplit("/", 1)[-1]
    descriptions = [
        e.valueMarkdown or e.valueString for e in report.extension or () if e.url.endswith("-testCaseDescription")
    ]
    period = report.period or Period()
    return Expectation(
        measure=report.measure,
        period=(period.start, period.end),
        patient_id=subject,
        description=descriptions[0] if descriptions else None,
        groups=tuple(_group(group) for group in report.group or ()),
        contained=tuple(contained_observations(report.contained or ())),
    )


def _group(group: _Group) -> ExpectedGroup:
    read = [_population(p) for p in group.population or ()]
    return ExpectedGroup(
        id=group.id,
        populations=tuple(p for p in read if not p.code.endswith("observation")),
        observations=tuple(p for p in read if p.code.endswith("observation")),
        stratifiers=tuple(map(_stratifier, group.stratifier or ())),
        score=_score(group.measureScore),
    )


def _stratifier(stratifier: _Stratifier) -> ExpectedStratifier:
    strata = (
        ExpectedStratum(_stratum_value(stratum), tuple(_population(p) for p in stratum.population or ()))
        for stratum in stratifier.stratum or ()
    )
    return ExpectedStratifier(stratifier.id, label_of(stratifier.code[0]) if stratifier.code else None, tuple(strata))


def _stratum_value(stratum: _Stratum) -> str | None:
    """The value of a stratum; with several components, the values of all of them."""
    values = [label_of(component.value) or "" for component in stratum.component or ()]
    return label_of(stratum.value) or (", ".join(values) if values else None)


def _score(score: _Quantity | None) -> float | None:
    """A score; percentages are converted to fractions."""
    if score is None or score.value is None:
        return None
    return score.value / 100 if "%" in (score.unit, score.code) else score.value


def _population(population: _Population) -> ExpectedPopulation:
    return ExpectedPopulation(code_of(population.code) or "", population.id, population.count or 0)
