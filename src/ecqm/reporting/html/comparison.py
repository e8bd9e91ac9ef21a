"""The expectation of a test case beside the result."""

from __future__ import annotations

from collections.abc import Iterable

from ecqm.measures.decks.agreement import CaseResult, PopulationAgreement
from ecqm.reporting.html.page import Content, Markup, joined, table, tag


def verdict(result: CaseResult) -> str:
    """A case in one word."""
    if result.agree:
        return "agrees" if result.passes else "differs"
    if result.excused:
        return "listed"
    return "error" if result.error is not None else "differs"


def badge(result: CaseResult) -> Markup:
    """The verdict as a coloured badge."""
    word = verdict(result)
    return tag("span", word, class_=f"verdict {word}")


def expected_beside_found(result: CaseResult) -> Markup:
    """The whole expectation of a case beside the result, with the verdict, and the reason if the expectation is a
    listed defect."""
    parts: list[Content] = [tag("p", badge(result), " ", result.error)]
    if result.case.description:
        parts.append(tag("p", result.case.description))
    if result.agree and not result.passes:
        parts.append(tag("p", "It agrees, but is listed as a defect of the deck."))
    if result.defect is not None:
        parts.append(tag("p", f"Listed: {result.defect.reason.rstrip('.')}. {result.defect.evidence}"))
    rows: list[list[Content]] = []
    for group in result.groups:
        rows += _counts(group.id, group.populations)
        for stratifier in group.stratifiers:
            for stratum in stratifier.strata:
                if stratum.compared:
                    rows += _counts(f"{group.id}, {stratifier.id} {stratum.value}", stratum.populations)
        for observation in group.observations:
            expected, actual = _listed(observation.expected), _listed(observation.actual)
            rows.append(_row(group.id, f"observation {observation.id}", expected, actual, observation.agree))
        if group.score.judged:
            expected, actual = _number(group.score.expected), _number(group.score.actual)
            rows.append(_row(group.id, "score", expected, actual, group.score.agree))
    return joined(*parts, table(["group", "what", "expected", "found", ""], rows))


def _counts(where: str, populations: Iterable[PopulationAgreement]) -> list[list[Content]]:
    return [
        _row(
            where,
            population.id or population.code,
            _number(population.expected),
            _number(population.actual),
            population.agree,
        )
        for population in populations
    ]


def _row(where: str, what: str, expected: str, found: str, agree: bool) -> list[Content]:
    return [where, what, expected, found, None if agree else tag("span", "differs", class_="verdict differs")]


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:g}"


def _listed(values: Iterable[float]) -> str:
    return ", ".join(map(_number, values)) or "none"
