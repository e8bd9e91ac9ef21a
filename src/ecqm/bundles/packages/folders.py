"""Measure packages in folders, as the certification tools keep them: `<measure>.json` and `value_sets.json`.

The measure's JSON has its libraries (CQL and ELM) and names population sets, each of which is one group here, with
their stratifications and observations; it says whether patients or episodes of care are counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from ecqm.bundles.content.documents import ContentError
from ecqm.bundles.packages.package import VALUE_SETS, MeasurePackage
from ecqm.bundles.packages.terms import EPISODES, POPULATIONS, UNSTATED, aggregate_called, instant
from ecqm.elm import ElmError, LibraryCollection
from ecqm.elm.sources import LibrarySource
from ecqm.json_decoding import json_decoder
from ecqm.measures.definition import (
    PATIENT_BASIS,
    Group,
    Identifiers,
    Measure,
    Population,
    PopulationCode,
    Scoring,
    Stratifier,
    StratifierComponent,
    SupplementalData,
)
from ecqm.measures.explanation.relevance import Statement
from ecqm.terminology import PackagedValueSets


class _Statement(msgspec.Struct):
    statement_name: str
    library_name: str | None = None
    hqmf_id: str | None = None


class _Stratification(msgspec.Struct):
    stratification_id: str
    statement: _Statement
    hqmf_id: str | None = None


class _Observation(msgspec.Struct):
    observation_function: _Statement
    observation_parameter: _Statement | None = None
    aggregation_type: str | None = None
    hqmf_id: str | None = None


class _PopulationSet(msgspec.Struct):
    population_set_id: str
    populations: dict[str, msgspec.Raw]
    stratifications: list[_Stratification] | None = None
    observations: list[_Observation] | None = None
    supplemental_data_elements: list[_Statement] | None = None


class _Time(msgspec.Struct, frozen=True):
    value: str | None = None


class _Period(msgspec.Struct):
    low: _Time = _Time()
    high: _Time = _Time()


class _Dependency(msgspec.Struct):
    statement_name: str
    statement_references: list[_Statement] | None = None


class _Library(msgspec.Struct):
    library_name: str
    elm: msgspec.Raw
    cql: str | None = None
    statement_dependencies: list[_Dependency] | None = None


class _Criterion(msgspec.Struct):
    hqmf_id: str | None = None
    aggregator: str | None = None


class _MeasureFile(msgspec.Struct):
    cms_id: str
    main_cql_library: str
    measure_scoring: str
    population_sets: list[_PopulationSet]
    cql_libraries: list[_Library]
    calculation_method: str | None = None
    calculate_sdes: bool | None = None
    population_criteria: dict[str, _Criterion] | None = None
    measure_period: _Period = msgspec.field(default_factory=_Period)
    hqmf_id: str | None = None
    hqmf_set_id: str | None = None
    hqmf_version_number: str | None = None
    title: str | None = None


class _Head(msgspec.Struct):
    """What tells a measure's file from other JSON."""

    population_sets: list[msgspec.Raw]
    cql_libraries: list[msgspec.Raw]


_decode_measure = json_decoder(_MeasureFile)
_decode_statement = json_decoder(_Statement)


def packages(folder: Path) -> Iterator[Path]:
    """The measure files of a folder of packages (`<measure>/<measure>.json`), in order."""
    for path in sorted(folder.glob("*/*.json")):
        if path.name != VALUE_SETS and is_package(path):
            yield path


def is_package(path: Path) -> bool:
    """Whether a JSON file holds a measure with population sets."""
    data = path.read_bytes()
    if b'"population_sets"' not in data:
        return False
    try:
        json_decoder(_Head)(data)
    except msgspec.DecodeError:
        return False
    return True


def read_package(path: Path) -> MeasurePackage:
    """The package of a measure's JSON file, with the `value_sets.json` beside it. Raises ContentError."""
    beside = path.with_name(VALUE_SETS)
    # A package has the name of its folder, or of its file where a folder has several.
    alone = sum(each.name != VALUE_SETS and is_package(each) for each in path.parent.glob("*.json")) == 1
    name = path.parent.name if alone else path.stem
    try:
        file = _decode_measure(path.read_bytes())
        measure = _measure(file, path, name)
        value_sets = PackagedValueSets.read(beside.read_bytes() if beside.is_file() else b"[]", str(beside))
        sources = [LibrarySource(bytes(each.elm), f"{path} ({each.library_name})") for each in file.cql_libraries]
    except (msgspec.DecodeError, ElmError) as error:
        raise ContentError(f"{path}: not a measure package: {error}") from error
    main = next((s.identifier for s in sources if s.identifier.name == file.main_cql_library), None)
    if main is None:
        raise ContentError(f"{path}: the main library {file.main_cql_library!r} is not among its libraries")
    return MeasurePackage(
        measure,
        main,
        LibraryCollection(sources),
        value_sets,
        str(path),
        dict(_references(file)),
        bool(file.calculate_sdes),
        tuple(dict.fromkeys((name, path.stem, file.cms_id))),
        {library.library_name: library.cql for library in file.cql_libraries if library.cql},
        (path,),
    )


def _references(file: _MeasureFile) -> Iterator[tuple[Statement, frozenset[Statement]]]:
    for library in file.cql_libraries:
        for statement in library.statement_dependencies or ():
            named = (
                (each.library_name or library.library_name, each.statement_name)
                for each in statement.statement_references or ()
            )
            yield (library.library_name, statement.statement_name), frozenset(named)


def _measure(file: _MeasureFile, path: Path, name: str) -> Measure:
    try:
        scoring = Scoring(file.measure_scoring.lower().replace("_", "-"))
    except ValueError:
        raise ContentError(f"{path}: unknown scoring {file.measure_scoring!r}") from None
    basis = {"EPISODE_OF_CARE": EPISODES, "PATIENT": PATIENT_BASIS}.get(file.calculation_method or "", UNSTATED)
    supplements = {
        element.statement_name: SupplementalData(element.statement_name, element.statement_name, frozenset())
        for each in file.population_sets
        for element in each.supplemental_data_elements or ()
    }
    return Measure(
        name=name,
        url=f"urn:uuid:{file.hqmf_set_id or file.hqmf_id or path.stem}",
        version=file.hqmf_version_number,
        id=file.hqmf_id or path.stem,
        title=file.title,
        library=file.main_cql_library,
        groups=tuple(_group(each, scoring, basis, _aggregators(file)) for each in file.population_sets),
        supplemental_data=tuple(supplements.values()),
        period=(instant(file.measure_period.low.value), instant(file.measure_period.high.value)),
        short_names=(file.cms_id,),
        identifiers=Identifiers(file.hqmf_id, file.hqmf_set_id, file.cms_id),
    )


def _aggregators(file: _MeasureFile) -> dict[str | None, str | None]:
    """How observations are aggregated, by their id in the HQMF; under None, the method that all of them have."""
    stated = {each.hqmf_id: each.aggregator for each in (file.population_criteria or {}).values() if each.aggregator}
    shared = set(stated.values())
    return {None: shared.pop() if len(shared) == 1 else None, **stated}


def _group(of: _PopulationSet, scoring: Scoring, basis: str, aggregators: Mapping[str | None, str | None]) -> Group:
    populations = [
        Population(code, name, statement.statement_name, identifier=statement.hqmf_id)
        for name, code in POPULATIONS.items()
        if name in of.populations
        for statement in [_decode_statement(bytes(of.populations[name]))]
    ]
    by_expression = {population.expression: population.id for population in reversed(populations)}
    observations = [
        Population(
            PopulationCode.MEASURE_OBSERVATION,
            f"OBSERV_{number}",
            observation.observation_function.statement_name,
            _observed(observation, by_expression, populations),
            aggregate_called(observation.aggregation_type or aggregators.get(observation.hqmf_id) or aggregators[None]),
            identifier=observation.hqmf_id,
        )
        for number, observation in enumerate(of.observations or (), 1)
    ]
    stratifiers = tuple(
        Stratifier(
            each.stratification_id,
            (StratifierComponent(each.stratification_id, each.statement.statement_name),),
            identifier=each.hqmf_id,
        )
        for each in of.stratifications or ()
    )
    return Group(of.population_set_id, scoring, basis, (*populations, *observations), stratifiers)


def _observed(observation: _Observation, by_expression: dict[str, str], populations: Sequence[Population]) -> str:
    """The id of the population that an observation observes: that of its parameter, otherwise the last population."""
    parameter = observation.observation_parameter
    found = by_expression.get(parameter.statement_name) if parameter is not None else None
    return found or populations[-1].id
