"""The data that measures require, as text and as a FHIR Library.

The Library is a module definition, as `$data-requirements` gives it (FHIR R4, "Measure/$data-requirements") and as
measures contain it (Quality Measure IG, "Effective Data Requirements").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from textwrap import fill

from ecqm.bundles.evaluation.selection import PlannedMeasures
from ecqm.measures.definition import Measure
from ecqm.measures.results.fhir_elements import Json, coding, concept
from ecqm.plan.requirements import DataRequirement
from ecqm.reporting.tables import table_text
from ecqm.terminology import Expansion, ValueSets
from ecqm.types import NamedType

_LIBRARY_TYPE = "http://terminology.hl7.org/CodeSystem/library-type"
_ALL = "all"


@dataclass(frozen=True)
class RequiredValueSet:
    """A value set that measures use, `id` or `id|version`, with its codes if they are available as a whole. `name` is
    that of a measure's logic, otherwise its own, otherwise the id."""

    id: str
    name: str
    expansion: Expansion | None

    @property
    def codes(self) -> str:
        """How many codes it has."""
        return "missing" if self.expansion is None else f"{len(self.expansion.codes):,}"


@dataclass(frozen=True)
class Requirements:
    """What some measures require: resources, and value sets. `types` are those to export: also those that the resources
    refer to."""

    measures: tuple[Measure, ...]
    data: tuple[DataRequirement, ...]
    value_sets: tuple[RequiredValueSet, ...]
    types: tuple[str, ...]

    @classmethod
    def of(cls, selection: PlannedMeasures, value_sets: ValueSets) -> Requirements:
        """The requirements of planned measures, together."""
        missing = {each.id for each in selection.missing}
        used = sorted({identifier for plan in selection.plans for identifier in plan.value_sets})
        data = selection.requirements
        names = {each.value_set.id: each.value_set.name for each in data if each.value_set is not None}
        required = []
        for each in used:
            url, _, version = each.partition("|")
            found = None if each in missing else value_sets.find(url, version or None)
            required.append(RequiredValueSet(each, names.get(url) or (found and found.name) or each, found))
        measures = tuple(plan.measure for plan in selection.plans)
        return cls(measures, data, tuple(required), tuple(sorted(selection.demand.types or ())))

    @property
    def of_fhir(self) -> bool:
        """Whether the data are FHIR resources."""
        return all(each.type.model == "FHIR" for each in self.data)


def requirements_text(found: Requirements, width: int) -> str:
    """The required data by type and profile, then the value sets, then what to ask of a bulk export."""
    sections = []
    for (type_, profile), group in groupby(found.data, lambda each: (each.type, each.profile)):
        told = _of_profile(type_, profile, tuple(group))
        sections.append("\n".join(fill(each, width, subsequent_indent="    ", break_long_words=False) for each in told))
    if found.value_sets:
        sections.append(_table(found.value_sets, width))
    if found.of_fhir:
        sections.append(f"bulk export: $export?_type={','.join(found.types)}")
    return "\n\n".join(sections)


def _table(value_sets: Iterable[RequiredValueSet], width: int) -> str:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("value set", overflow="fold")
    table.add_column("codes", justify="right", no_wrap=True)
    table.add_column("URL", overflow="fold")
    for each in value_sets:
        table.add_row(each.name, each.codes, each.id)
    return table_text(table, width)


def _of_profile(type_: NamedType, profile: str | None, group: Sequence[DataRequirement]) -> Iterator[str]:
    name = (profile or "").rpartition("/")[2]
    title = f"{type_.name} ({name})" if name not in ("", type_.name) else type_.name
    elements = sorted(frozenset[str]().union(*(each.elements for each in group)))
    yield f"{title}: {', '.join(elements)}" if elements else title
    yield from (f"  {_filter(each)}" for each in group)


def _filter(requirement: DataRequirement) -> str:
    """The limit of a retrieve, in the notation of CQL."""
    if requirement.value_set is not None:
        return f'{requirement.code_path} in "{requirement.value_set.name or requirement.value_set.id}"'
    codes = (f"{code.code} from {code.system}" + _display(code.display) for code in requirement.codes)
    return f"{requirement.code_path} ~ {', '.join(codes)}" if requirement.codes else _ALL


def _display(text: str | None) -> str:
    return f" ({text})" if text else ""


def requirements_library(found: Requirements) -> Json:
    """A Library of the type module-definition with a DataRequirement for each retrieve.

    The elements that the logic uses are `mustSupport`. Dates are not limited. Raises ValueError for data that are not
    FHIR resources.
    """
    if not found.of_fhir:
        raise ValueError("only requirements of FHIR data have a form in FHIR")
    names = ", ".join(measure.name for measure in found.measures)
    return {
        "resourceType": "Library",
        "status": "active",
        "title": f"Data requirements of {names}",
        "type": concept(_LIBRARY_TYPE, "module-definition"),
        "relatedArtifact": [
            {"type": "depends-on", "display": f"Value set {each.name}", "resource": each.id}
            for each in found.value_sets
        ],
        "dataRequirement": list(map(requirement_json, found.data)),
    }


def requirement_json(requirement: DataRequirement) -> Json:
    """A DataRequirement."""
    optional = {
        "profile": [requirement.profile] if requirement.profile else [],
        "mustSupport": sorted(requirement.elements),
        "codeFilter": list(_code_filters(requirement)),
    }
    return {"type": requirement.type.name, **{name: part for name, part in optional.items() if part}}


def _code_filters(requirement: DataRequirement) -> Iterable[Json]:
    if requirement.value_set is not None:
        canonical = "|".join(filter(None, (requirement.value_set.id, requirement.value_set.version)))
        yield {"path": requirement.code_path, "valueSet": canonical}
    elif requirement.codes:
        yield {"path": requirement.code_path, "code": list(map(coding, requirement.codes))}
