"""How the results of test cases differ from what they expect, in a line per case."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ecqm.measures.decks.agreement import CaseResult, GroupAgreement, MeasureRun, PopulationAgreement
from ecqm.measures.decks.defects import BESIDE


def failures(run: MeasureRun) -> Iterator[str]:
    """A line for each case that does not pass; cases that failed for the same reason share one."""
    failed: dict[str, list[str]] = {}
    for result in run.results:
        if result.passes:
            continue
        if result.error is not None:
            failed.setdefault(result.error, []).append(_case_name(result))
        else:
            yield failure(run.measure, result)
    for error, cases in failed.items():
        every = len(cases) > 1 and len(cases) == len(run.results)
        yield f"{run.measure} {f'(all {len(cases)} cases)' if every else ', '.join(cases)}: {error}"


def failure(measure: str, result: CaseResult) -> str:
    """Why a case of a measure does not pass."""
    if result.error is not None:
        told = result.error
    elif result.agree:
        told = "agrees, but is listed as a defect of the deck; take it off the list"
    else:
        told = "; ".join(_by_group(result, lambda group: (*_populations(group), *beside(group))))
    return f"{measure} {_case_name(result)}: {told}"


def differences_beside(run: MeasureRun) -> Iterator[str]:
    """A line for each case that passes, but whose strata, observations or scores differ without being listed as a
    defect, or are listed and do not differ."""
    for result in run.results:
        unexplained = result.unexplained & BESIDE
        if not result.passes or not unexplained:
            continue
        told = [*_by_group(result, beside)] if unexplained & result.wrong else []
        if agreeing := sorted(unexplained - result.wrong):
            told.append(f"{', '.join(agreeing)} listed as a defect of the deck, but agrees; take it off the list")
        yield f"{run.measure} {_case_name(result)}: {'; '.join(told)}"


def _case_name(result: CaseResult) -> str:
    return f"{result.case.name} ({result.case.title})" if result.case.title else result.case.name


def _by_group(result: CaseResult, differing: Callable[[GroupAgreement], Iterable[str]]) -> Iterator[str]:
    """What differs in each group, with the group's name where its populations are named as those of another group."""
    names = [population.id or population.code for group in result.groups for population in group.populations]
    ambiguous = len(set(names)) < len(names)
    for group in result.groups:
        for told in differing(group):
            yield f"{group.id}: {told}" if ambiguous else told


def _populations(group: GroupAgreement) -> Iterator[str]:
    return (_counted(population) for population in group.populations if not population.agree)


def beside(group: GroupAgreement) -> Iterator[str]:
    """What differs in a group in addition to its populations."""
    for stratifier in group.stratifiers:
        for stratum in stratifier.strata:
            if not stratum.agree:
                counts = "; ".join(_counted(each) for each in stratum.populations if not each.agree)
                yield f"stratum {stratum.value} of {stratifier.id or group.id} ({counts})"
    for observation in group.observations:
        if not observation.agree:
            yield f"{observation.id} expected {_values(observation.expected)}, is {_values(observation.actual)}"
    if not group.score.agree:
        yield f"score of {group.id} expected {_number(group.score.expected)}, is {_number(group.score.actual)}"


def _counted(population: PopulationAgreement) -> str:
    actual = "missing" if population.actual is None else f"{population.actual:g}"
    return f"{population.id or population.code} expected {population.expected:g}, is {actual}"


def _values(observed: Iterable[float]) -> str:
    return f"{{{', '.join(map(_number, observed))}}}"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:g}"
