"""The observed values that a MeasureReport expects of one patient.

Reports state them in either of two places: as populations of the group, each with the value as its count, or as
contained Observations whose extension cqf-measureInfo names the observation (`populationId`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from ecqm.measures.definition import Group, Population
from ecqm.measures.definition.resource import CodeableConcept


class _Quantity(msgspec.Struct, frozen=True):
    value: float | None = None


class _Part(msgspec.Struct, frozen=True):
    url: str = ""
    valueString: str | None = None
    valueId: str | None = None


class _Extension(msgspec.Struct, frozen=True):
    url: str = ""
    extension: list[_Part] | None = None


class _Parameter(msgspec.Struct, frozen=True):
    name: str = ""
    valueString: str | None = None


class ContainedResource(msgspec.Struct, frozen=True):
    """A resource in a report: the Parameters of a test case, or an Observation, as far as expectations need them."""

    resourceType: str = ""
    parameter: list[_Parameter] | None = None
    extension: list[_Extension] | None = None
    code: CodeableConcept | None = None
    valueQuantity: _Quantity | None = None
    valueInteger: float | None = None


@dataclass(frozen=True)
class ExpectedPopulation:
    """A population's expected count; of an observation, the expected value."""

    code: str
    id: str | None
    count: float


@dataclass(frozen=True)
class ContainedObservation:
    """The value of a contained Observation, and what it is said to be a value of."""

    population: str
    value: float


def contained_observations(resources: Iterable[ContainedResource]) -> Iterator[ContainedObservation]:
    """The numbers in contained Observations. They may also be of supplemental data."""
    for resource in resources:
        quantity = resource.valueQuantity
        value = resource.valueInteger if quantity is None else quantity.value
        name = _population_id(resource)
        if resource.resourceType == "Observation" and value is not None and name:
            yield ContainedObservation(name, value)


def _population_id(resource: ContainedResource) -> str | None:
    for extension in resource.extension or ():
        if extension.url.rsplit("/", 1)[-1] in ("cqf-measureInfo", "cqfm-measureInfo"):
            for part in extension.extension or ():
                if part.url == "populationId":
                    return part.valueString or part.valueId
    return None


def listed_observations(
    expected: Sequence[ExpectedPopulation], contained: Iterable[ContainedObservation], group: Group
) -> dict[str, list[float]]:
    """The expected values of each observation of a group, by its id.

    Contained Observations count for observations without values in the group itself.
    """
    observations = group.observations
    listed: dict[str, list[float]] = {observation.id: [] for observation in observations}
    for position, value in enumerate(expected):
        observation = _observation(value, observations, position, group)
        if observation is not None:
            listed[observation.id].append(value.count)
    without = [observation for observation in observations if not listed[observation.id]]
    for found in contained:
        named = [observation for observation in without if _names(found.population, observation)]
        if len(named) == 1:
            listed[named[0].id].append(found.value)
    return listed


def _observation(
    expected: ExpectedPopulation, observations: Sequence[Population], position: int, group: Group
) -> Population | None:
    """The observation that an expected value belongs to: its id is that of the observation, followed by the number of
    the episode."""
    by_id = [o for o in observations if expected.id == o.id or (expected.id or "").startswith(f"{o.id}_")]
    if by_id:
        return max(by_id, key=lambda o: len(o.id))
    by_code = [
        o for o in observations if expected.code == f"{group.population(o.criteria_reference or '').code}-observation"
    ]
    if len(by_code) == 1 or len(observations) == 1:
        return (by_code or list(observations))[0]
    return observations[position % len(observations)] if observations else None


def _names(name: str, observation: Population) -> bool:
    """Whether a `populationId` is the id, criterion or code of an observation: `MeasureObservation` is the code
    measure-observation."""
    names = (observation.id, observation.expression, observation.code)
    return _letters(name) in {_letters(each) for each in names}


def _letters(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()
