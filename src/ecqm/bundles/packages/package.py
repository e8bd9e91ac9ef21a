"""Measure packages of QDM: one measure with its libraries (CQL and ELM), populations and value sets.

A package is a folder with `<measure>.json` and `value_sets.json`, as the certification community's tools keep them.
The measure's JSON names population sets (each one a group here), their stratifications and observations, and says
whether patients or episodes of care are counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from ecqm.bundles.content.documents import ContentError
from ecqm.bundles.packages.hqmf import UNSTATED, instant
from ecqm.data.qdm.schema import NEWEST, QdmSchema, qdm_schema
from ecqm.elm import ElmError, IndexedLibrary, LibraryCollection, LibraryIdentifier, ResolvedLibraries
from ecqm.elm.sources import LibrarySource
from ecqm.engine import kernel_for
from ecqm.json_decoding import json_decoder
from ecqm.measures.definition import (
    PATIENT_BASIS,
    Aggregate,
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
from ecqm.measures.evaluation.planning import MeasurePlan, plan_measure
from ecqm.measures.explanation.relevance import Statement
from ecqm.plan.nodes import Call, Cast, CollectWithin, Element, MakeList, Node, Retrieve, SortWithin
from ecqm.terminology import PackagedValueSets, ValueSets

VALUE_SETS = "value_sets.json"
EPISODES = "Episode"

# The populations of HQMF by the names that the packages use, in the order in which they are drawn from one another.
POPULATIONS = {
    "IPP": PopulationCode.INITIAL_POPULATION,
    "DENOM": PopulationCode.DENOMINATOR,
    "DENEX": PopulationCode.DENOMINATOR_EXCLUSION,
    "NUMER": PopulationCode.NUMERATOR,
    "NUMEX": PopulationCode.NUMERATOR_EXCLUSION,
    "DENEXCEP": PopulationCode.DENOMINATOR_EXCEPTION,
    "MSRPOPL": PopulationCode.MEASURE_POPULATION,
    "MSRPOPLEX": PopulationCode.MEASURE_POPULATION_EXCLUSION,
}
_AGGREGATES = {
    "SUM": Aggregate.SUM,
    "AVERAGE": Aggregate.AVERAGE,
    "MEAN": Aggregate.AVERAGE,
    "MEDIAN": Aggregate.MEDIAN,
    "MIN": Aggregate.MINIMUM,
    "MINIMUM": Aggregate.MINIMUM,
    "MAX": Aggregate.MAXIMUM,
    "MAXIMUM": Aggregate.MAXIMUM,
    "COUNT": Aggregate.COUNT,
}


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


class _Time(msgspec.Struct):
    value: str | None = None


class _Period(msgspec.Struct):
    low: _Time | None = None
    high: _Time | None = None


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
    measure_period: _Period | None = None
    hqmf_id: str | None = None
    hqmf_set_id: str | None = None
    hqmf_version_number: str | None = None
    title: str | None = None


_decode_measure = json_decoder(_MeasureFile)
_decode_statement = json_decoder(_Statement)


@dataclass(frozen=True)
class MeasurePackage:
    """A measure ready to be planned. It is called as its folder is, or as its file where a folder has several.

    `main` names its primary library; `references` are the statements that each statement refers to, as far as the
    package lists them; `calculates_supplemental_data` tells whether the tools that it is for show supplemental data;
    `cql` has the source of libraries by name.
    """

    measure: Measure
    main: LibraryIdentifier
    libraries: LibraryCollection
    value_sets: ValueSets
    origin: str
    references: Mapping[Statement, frozenset[Statement]] = field(default_factory=dict)
    calculates_supplemental_data: bool = False
    names: tuple[str, ...] = field(default=())
    cql: Mapping[str, str] = field(default_factory=dict)

    def resolve(self) -> ResolvedLibraries:
        """The libraries, read and linked. Raises ElmError."""
        return self.libraries.resolve(self.main)

    def plan(self) -> MeasurePlan:
        """The plan of the measure, its groups' basis the data type of their episodes where that can be told.

        Raises ElmError, PlanError or MeasureError.
        """
        plan = plan_measure(self.measure, self.resolve(), kernel_for)
        schema = qdm_schema(qdm_version(plan))
        groups = tuple(_with_basis(group, plan, schema) for group in plan.measure.groups)
        return replace(plan, measure=replace(plan.measure, groups=groups))

    def source_of(self, library: IndexedLibrary) -> str | None:
        """The CQL that a library was made from, where the package has it."""
        return self.cql.get(library.identifier.name)


def _with_basis(group: Group, plan: MeasurePlan, schema: QdmSchema) -> Group:
    if group.patient_based:
        return group
    counted = plan.defines[group.criteria[0].expression]
    if group.basis == UNSTATED:
        group = replace(group, basis=EPISODES if _is_list(counted) else PATIENT_BASIS)
        return group if group.patient_based else _with_basis(group, plan, schema)
    retrieved = _retrieved(counted)
    return replace(group, basis=schema.base(retrieved)) if retrieved is not None else group


def _is_list(node: Node) -> bool:
    """Does a criterion give a list of episodes, rather than be true of a patient or not?"""
    if isinstance(node, Cast):
        return _is_list(node.operand)
    return isinstance(node, (Retrieve, CollectWithin, SortWithin, MakeList)) or (
        isinstance(node, Call) and node.operator in (*_LISTS, "Flatten", "Expand")
    )


_LISTS = ("Union", "Intersect", "Except", "Distinct")


def _retrieved(node: Node) -> str | None:
    """The one data type that the elements of a list are of, if the plan tells."""
    if isinstance(node, Retrieve):
        return node.resource_type.partition(".")[2]
    if isinstance(node, (CollectWithin, Element)):
        return _retrieved(node.value if isinstance(node, CollectWithin) else node.source)
    if isinstance(node, (Cast, SortWithin)):
        return _retrieved(node.operand if isinstance(node, Cast) else node.source)
    if isinstance(node, Call) and node.operator in _LISTS:
        found = set(map(_retrieved, node.operands))
        return found.pop() if len(found) == 1 else None
    return None


def qdm_version(plan: MeasurePlan) -> str:
    """The version of QDM that a measure's logic uses."""
    usings = (using for using in plan.libraries.main.usings if using.localIdentifier == "QDM")
    return next((str(using.version) for using in usings), NEWEST)


def read_package(path: Path) -> MeasurePackage:
    """The package of a measure's JSON file, with the `value_sets.json` beside it. Raises ContentError."""
    data = path.read_bytes()
    try:
        file = _decode_measure(data)
    except msgspec.DecodeError as error:
        raise ContentError(f"{path} is no measure package: {error}") from error
    beside = path.with_name(VALUE_SETS)
    try:
        value_sets = PackagedValueSets.read(beside.read_bytes() if beside.is_file() else b"[]", str(beside))
        sources = [
            LibrarySource(bytes(library.elm), f"{path} ({library.library_name})") for library in file.cql_libraries
        ]
    except (msgspec.DecodeError, ElmError) as error:
        raise ContentError(f"{path}: {error}") from error
    main = next((s.identifier for s in sources if s.identifier.name == file.main_cql_library), None)
    if main is None:
        raise ContentError(f"{path} has no library {file.main_cql_library!r}, which it calls its main one")
    alone = sum(each.name != VALUE_SETS and is_package(each) for each in path.parent.glob("*.json")) == 1
    own_name = path.parent.name if alone else path.stem
    names = tuple(dict.fromkeys((own_name, path.stem, file.cms_id)))
    return MeasurePackage(
        _measure(file, path, names[0]),
        main,
        LibraryCollection(sources),
        value_sets,
        str(path),
        dict(_references(file)),
        bool(file.calculate_sdes),
        names,
        {library.library_name: library.cql for library in file.cql_libraries if library.cql},
    )


def _references(file: _MeasureFile) -> Iterator[tuple[Statement, frozenset[Statement]]]:
    for library in file.cql_libraries:
        for statement in library.statement_dependencies or ():
            named = (
                (each.library_name or library.library_name, each.statement_name)
                for each in statement.statement_references or ()
            )
            yield (library.library_name, statement.statement_name), frozenset(named)


def packages(folder: Path) -> Iterator[Path]:
    """The measure files of a folder of packages (`<measure>/<measure>.json`), in order."""
    for path in sorted(folder.glob("*/*.json")):
        if path.name != VALUE_SETS and is_package(path):
            yield path


def is_package(path: Path) -> bool:
    """Does a JSON file hold a measure with population sets?"""
    data = path.read_bytes()
    if b'"population_sets"' not in data:
        return False
    try:
        json_decoder(_Head)(data)
    except msgspec.DecodeError:
        return False
    return True


class _Head(msgspec.Struct):
    population_sets: list[msgspec.Raw]
    cql_libraries: list[msgspec.Raw]


def _measure(file: _MeasureFile, path: Path, name: str) -> Measure:
    scoring = Scoring(file.measure_scoring.lower().replace("_", "-"))
    basis = {"EPISODE_OF_CARE": EPISODES, "PATIENT": PATIENT_BASIS}.get(file.calculation_method or "", UNSTATED)
    period = file.measure_period or _Period()
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
        period=(_stated_at(period.low), _stated_at(period.high)),
        short_names=(file.cms_id,),
        identifiers=Identifiers(file.hqmf_id, file.hqmf_set_id, file.cms_id),
    )


def _aggregators(file: _MeasureFile) -> dict[str | None, str | None]:
    """How observations become one number, by their id in the HQMF; under None where all of them agree."""
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
            _AGGREGATES.get((observation.aggregation_type or _stated(observation, aggregators) or "").upper()),
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


def _stated(observation: _Observation, aggregators: Mapping[str | None, str | None]) -> str | None:
    return aggregators.get(observation.hqmf_id) or aggregators[None]


def _observed(observation: _Observation, by_expression: dict[str, str], populations: Sequence[Population]) -> str:
    """The id of the population that an observation observes: the one its parameter names, else the last of all."""
    parameter = observation.observation_parameter
    found = by_expression.get(parameter.statement_name) if parameter is not None else None
    return found or populations[-1].id


def _stated_at(time: _Time | None) -> str | None:
    return instant(time.value) if time is not None else None
