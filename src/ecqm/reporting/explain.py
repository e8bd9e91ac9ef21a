"""What the definitions of a measure come to for one patient, and why that patient is in no more populations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ecqm.bundles.content import Content
from ecqm.bundles.libraries import LibraryNotFound
from ecqm.bundles.packages import MeasurePackage, qdm_version
from ecqm.bundles.planning import Planner
from ecqm.columns import ResourceRow
from ecqm.data import DataError, Demand
from ecqm.data.qdm import qdm_schema, read_patients
from ecqm.data.qdm.binding import QdmDataTypes
from ecqm.data.source import PatientData
from ecqm.elm import IndexedLibrary
from ecqm.engine import Executor, FhirProfiles
from ecqm.engine.profiles import ProfileRule
from ecqm.measures.batch import MeasureSet
from ecqm.measures.clauses import Clause, ClauseReader, PerRow, Unknown
from ecqm.measures.definition import Measure, Population
from ecqm.measures.evaluation import GroupResult
from ecqm.measures.period import measurement_period
from ecqm.measures.planning import MeasurePlan, demand_of, reachable
from ecqm.plan.lowering import PlanError
from ecqm.plan.nodes import PlanNode
from ecqm.terminology import CodeIndex, Membership
from ecqm.values import EvaluationContext, Tuple
from ecqm.values.text import to_cql

_ELEMENTS_SHOWN = 3
_LONGEST_TEXT = 240


@dataclass(frozen=True)
class Reason:
    """Why a patient is not in a population: the clauses of its criterion; none if what it is drawn from lacks them."""

    group: str
    population: Population
    clause: Clause | None


@dataclass(frozen=True)
class Explanation:
    """Everything about one patient: `counts` by group and population; `values` by library and define, the measure's own
    library first; `errors` of the patient; and the reasons."""

    measure: Measure
    patient: str
    counts: tuple[tuple[str, tuple[tuple[Population, int], ...]], ...]
    values: Mapping[str, Mapping[str, Any]]
    errors: tuple[str, ...]
    reasons: tuple[Reason, ...]


def explain(
    content: Content,
    measure: Measure,
    data: PatientData,
    patient: str,
    stated: tuple[str | None, str | None] = (None, None),
    profiles: ProfileRule = "both",
    relax_versions: bool = False,
) -> Explanation:
    """Evaluate every define of a measure for a patient, by id.

    Raises DataError if there is no such patient, and what planning raises."""
    plan = Planner(content, relax_versions).plan(measure)
    cohort = data.batch_of(patient, _demand(plan))
    if cohort is None:
        raise DataError(_no_such_patient(patient, data.patient_ids()))
    executor = Executor(
        cohort,
        Membership(data.codes, content.value_sets),
        FhirProfiles(profiles),
        EvaluationContext.of_this_moment(),
        {"Measurement Period": measurement_period(plan.measure, stated)},
    )
    return _explained(plan, executor, patient, cohort.ids.index(patient), _sources(content))


def explain_package(
    package: MeasurePackage, data: Sequence[Path], patient: str, stated: tuple[str | None, str | None] = (None, None)
) -> Explanation:
    """`explain` for the measure of a QDM package, and a patient among those at some paths."""
    plan = package.plan()
    codes = CodeIndex()
    version = qdm_version(plan)
    cohort = read_patients(data, _demand(plan), codes, version)
    if patient not in cohort.ids:
        raise DataError(_no_such_patient(patient, cohort.ids))
    executor = Executor(
        cohort,
        Membership(codes, package.value_sets),
        QdmDataTypes(qdm_schema(version)),
        EvaluationContext.of_this_moment(),
        {"Measurement Period": measurement_period(plan.measure, stated)},
    )
    sources = package.cql
    row = cohort.ids.index(patient)
    return _explained(plan, executor, patient, row, lambda library: sources.get(library.identifier.name))


def _demand(plan: MeasurePlan) -> Demand:
    """What all defines that are shown need of the data."""
    planned = [node for node in _defines(plan).values() if isinstance(node, PlanNode)]
    return demand_of(reachable([*plan.nodes, *planned]))


def _explained(
    plan: MeasurePlan, executor: Executor, patient: str, row: int, sources: Callable[[IndexedLibrary], str | None]
) -> Explanation:
    result = next(iter(MeasureSet([plan]).evaluate(executor)))
    groups = [group.of_patient(row) for group in result.groups]
    errors = tuple(f"{error.origin}: {error.message}" for error in result.errors if error.patient == row)
    reader = ClauseReader(plan.lowering, executor, row, sources)
    values: dict[str, dict[str, Any]] = {}
    for (library, name), node in _defines(plan).items():
        value = reader.value(node) if isinstance(node, PlanNode) else Unknown(str(node))
        values.setdefault(library, {})[name] = value
    counts = tuple((g.group.id, tuple((p, g.total(p.id)) for p in g.group.criteria)) for g in groups)
    return Explanation(plan.measure, patient, counts, values, errors, tuple(_reasons(plan, groups, reader)))


def _defines(plan: MeasurePlan) -> dict[tuple[str, str], PlanNode | PlanError]:
    """All defines of the measure's library, and those of other libraries that they refer to; or why one has no plan."""
    main = plan.libraries.main
    nodes: dict[tuple[str, str], PlanNode | PlanError] = {}
    for name in main.expressions:
        try:
            nodes[str(main.identifier), name] = plan.lowering.define(main, name)
        except PlanError as error:
            nodes[str(main.identifier), name] = error
    for (identifier, name), node in plan.lowering.lowered.defines.items():
        nodes.setdefault((str(identifier), name), node)
    return nodes


def _reasons(plan: MeasurePlan, groups: Sequence[GroupResult], reader: ClauseReader) -> Iterator[Reason]:
    for group in groups:
        for population in group.group.criteria:
            if group.total(population.id) == 0:
                clause = reader.why(plan.libraries.main, population.expression)
                met = clause.value is True or (isinstance(clause.value, tuple) and clause.value != ())
                yield Reason(group.group.id, population, None if met else clause)


def _sources(content: Content) -> Any:
    def source_of(library: IndexedLibrary) -> str | None:
        try:
            return content.libraries.find(library.identifier.name, library.identifier.version).cql()
        except LibraryNotFound:
            return None

    return source_of


def _no_such_patient(patient: str, known: Sequence[str]) -> str:
    close = get_close_matches(patient, known, n=3)
    hint = f"; did you mean {' or '.join(close)}?" if close else f", which has {len(known)} patients"
    return f"there is no patient {patient!r} in the data{hint}"


# -- notation ---------------------------------------------------------------------------------------------------------


def notation(value: Any, shown: int = _ELEMENTS_SHOWN) -> str:
    """A value as CQL writes it; a resource as Type/id, and of a long list the first few elements and their number."""
    if isinstance(value, ResourceRow):
        return resource_name(value)
    if isinstance(value, Unknown):
        return f"? ({value})"
    if isinstance(value, PerRow):
        return _per_row(value)
    if isinstance(value, tuple):
        parts = [notation(element, shown) for element in value[:shown]]
        if len(value) > shown:
            return "{ " + ", ".join(parts) + f", … }} ({len(value)} elements)"
        return "{ " + ", ".join(parts) + " }" if parts else "{ }"
    if isinstance(value, Tuple):
        told = ((name, part) for name, part in value.items() if part is not None or value.type_name is None)
        inside = ", ".join(f"{name}: {notation(part, shown)}" for name, part in told)
        return f"{value.type_name or 'Tuple'} {{ {inside} }}"
    return to_cql(value)


def resource_name(row: ResourceRow) -> str:
    """`Encounter/17`."""
    ids = getattr(row.table, "ids", None)
    identifier = ids.texts()[row.row] if ids is not None else row.row
    return f"{row.table.resource_type}/{identifier}"


def _per_row(value: PerRow) -> str:
    rows = "row" if value.n == 1 else "rows"
    if value.true is not None:
        return f"true in {value.true} of {value.n} {rows}"
    more = ", …" if value.n > len(value.values) else ""
    return f"in {value.n} {rows}: {', '.join(map(notation, value.values))}{more}" if value.n else "no rows"


# -- text and JSON ----------------------------------------------------------------------------------------------------


def explanation_text(found: Explanation) -> str:
    """For people: populations, definitions, reasons."""
    lines = [f"{found.measure.name}, patient {found.patient}", ""]
    for group, counts in found.counts:
        lines.append(f"{group}: " + ", ".join(f"{population.code.value} {count}" for population, count in counts))
    lines += [f"error: {error}" for error in found.errors]
    for library, values in found.values.items():
        lines += ["", library]
        lines += [f"  {name} = {notation(value)}" for name, value in values.items()]
    for reason in found.reasons:
        lines += ["", f"{reason.group}: not in {reason.population.code.value} ({reason.population.id})"]
        if reason.clause is None:
            lines.append(f'  "{reason.population.expression}" is met, but not what the population is drawn from')
        else:
            lines += _tree(reason.clause, "  ")
    return "\n".join(lines)


def _tree(clause: Clause, indent: str) -> Iterator[str]:
    text = clause.text if len(clause.text) <= _LONGEST_TEXT else clause.text[: _LONGEST_TEXT - 1] + "…"
    yield f"{indent}{text}  →  {notation(clause.value)}" + ("  (see above)" if clause.told else "")
    for inner in clause.clauses:
        yield from _tree(inner, indent + "  ")


def explanation_json(found: Explanation) -> dict[str, Any]:
    """The same as plain data; values in CQL notation, lists whole."""
    return {
        "measure": found.measure.name,
        "patient": found.patient,
        "groups": [
            {
                "id": group,
                "populations": [{"id": p.id, "code": p.code.value, "count": count} for p, count in counts],
            }
            for group, counts in found.counts
        ],
        "errors": list(found.errors),
        "defines": [
            {"library": library, "name": name, "value": _whole(value)}
            for library, values in found.values.items()
            for name, value in values.items()
        ],
        "reasons": [
            {
                "group": reason.group,
                "population": reason.population.id,
                "define": reason.population.expression,
                "clause": None if reason.clause is None else _clause_json(reason.clause),
            }
            for reason in found.reasons
        ],
    }


def _clause_json(clause: Clause) -> dict[str, Any]:
    return {
        "text": clause.text,
        "library": clause.library,
        "locator": clause.locator,
        "value": _whole(clause.value),
        "clauses": [_clause_json(inner) for inner in clause.clauses],
    }


def _whole(value: Any) -> str:
    return notation(value, len(value) if isinstance(value, tuple) else _ELEMENTS_SHOWN)
