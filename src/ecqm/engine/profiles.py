"""Which resources a retrieve by a profile finds.

There are three rules (`ecqm test --profiles`):

- `declared`: the resources that declare the profile, or one derived from it, in meta.profile.
- `inferred`: the resources that conform to what the profile fixes, whatever they declare.
- `both`: the declaration decides for resources that declare a profile of QI-Core or US Core, except for one that leaves
  it open (`ecqm.models.profiles.decides`); for all others what the profile fixes decides.

A declared profile that is in no version of QI-Core or US Core does not count. Retrieves of the Patient, and by the base
definition of a resource type, find all resources, whatever these declare.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from ecqm.columns import (
    BooleanColumn,
    ChoiceColumn,
    CodeColumn,
    Column,
    ConceptColumn,
    ListColumn,
    Mask,
    RecordColumn,
    Rows,
    StringColumn,
)
from ecqm.engine.interfaces import Table
from ecqm.kernels.segments import any_within, representatives
from ecqm.models.profiles import canonical, decides, derived_from, negation_of, profile_facts
from ecqm.types import NamedType

ProfileRule = Literal["declared", "inferred", "both"]

LOINC = "http://loinc.org"
# The ends of the URLs of modifier extensions for something that was not done or is not to be done.
_NOT_DONE = ("qicore-notdone", "donotperform")


class Declared(NamedTuple):
    """Declared profiles: row i of a table (n rows) declares sets[number[i]]."""

    number: Rows
    sets: list[frozenset[str]]


_DECLARED: WeakKeyDictionary[Table, Declared] = WeakKeyDictionary()


def declared_in(table: Table) -> Declared:
    """The profiles that the rows of a table declare, found once per table."""
    found = _DECLARED.get(table)
    if found is None:
        profiles = table.profiles
        rows, number = representatives(profiles.keys())
        urls = profiles.values
        sets = []
        for start, end in zip(profiles.offsets[rows].tolist(), profiles.offsets[rows + 1].tolist(), strict=True):
            texts = urls.take(np.arange(start, end)).texts() if isinstance(urls, StringColumn) else []
            sets.append(frozenset(canonical(text) for text in texts if text is not None))
        found = _DECLARED[table] = Declared(number, sets)
    return found


# Verdicts on a set of declared profiles; with _OPEN, what the profile fixes decides.
_NO, _YES, _OPEN = 0, 1, 2


class FhirProfiles:
    """Retrieves of FHIR resources by profile (implements `ecqm.engine.interfaces.Profiles`)."""

    def __init__(self, rule: ProfileRule = "both") -> None:
        self.rule = rule
        self._inferred: WeakKeyDictionary[Table, dict[str, Mask]] = WeakKeyDictionary()

    def __reduce__(self) -> tuple[type[FhirProfiles], tuple[ProfileRule]]:
        # The cache belongs to the tables of this process.
        return FhirProfiles, (self.rule,)

    def instances(self, type_: NamedType) -> NamedType:
        """The type itself: ELM retrieves FHIR by the resource types of the data."""
        return type_

    def code_property(self, name: str) -> str:
        """The property itself: a concept has all of its codes."""
        return name

    def matching(self, table: Table, type_: NamedType, profile: str | None, rows: Rows) -> Mask:
        """Mask over `rows` of a table: those that a retrieve by `profile` finds."""
        wanted = "" if profile is None else canonical(profile)
        if not wanted or table.resource_type == "Patient" or wanted.endswith(f"/{table.resource_type}"):
            return np.ones(len(rows), np.bool_)
        if self.rule == "inferred":
            return self._conforming(table, wanted)[rows]
        declared = declared_in(table)
        verdicts = np.array([self._verdict(urls, wanted) for urls in declared.sets], np.int8)[declared.number[rows]]
        taken: Mask = verdicts == _YES
        undecided = verdicts == _OPEN
        if undecided.any():
            taken |= undecided & self._conforming(table, wanted)[rows]
        return taken

    def _verdict(self, urls: frozenset[str], profile: str) -> int:
        """Whether a retrieve by `profile` finds resources that declare exactly the profiles `urls`."""
        if not urls.isdisjoint(derived_from(profile)):
            return _YES
        if self.rule == "declared" or any(decides(url, profile) for url in urls):
            return _NO
        return _OPEN

    def _conforming(self, table: Table, profile: str) -> Mask:
        masks = self._inferred.setdefault(table, {})
        if profile not in masks:
            masks[profile] = inferred(table, profile)
        return masks[profile]


def inferred(table: Table, profile: str) -> Mask:
    """Mask of the rows of a table that conform to what a profile fixes: negation, category, code."""
    facts = profile_facts(profile)
    found = np.ones(len(table), np.bool_)
    if facts.negated is not None:
        found &= negated(table) == facts.negated
    if facts.category:
        found &= _has_code(table.element("category"), lambda system, code: code in facts.category)
    if facts.code:
        found &= _has_code(table.element("code"), lambda system, code: system == LOINC and code in facts.code)
    return found


def negated(table: Table) -> Mask:
    """Mask of the rows of a table for something that was not done or is not to be done."""
    found = _modified(table)
    negation = negation_of(table.resource_type)
    if negation is None:
        return found
    if negation.status:
        status = table.element("status")
        if isinstance(status, StringColumn):
            found = found | status.matches(lambda text: text in negation.status)
    if negation.element is not None:
        element = table.element(negation.element)
        if isinstance(element, BooleanColumn):
            found = found | element.is_true
    return found


def _modified(table: Table) -> Mask:
    """Mask of the rows with a modifier extension for negation whose value is true."""
    none = np.zeros(len(table), np.bool_)
    extensions = table.element("modifierExtension")
    if not isinstance(extensions, ListColumn) or not isinstance(extensions.values, RecordColumn):
        return none
    urls, values = extensions.values.field("url"), extensions.values.field("value")
    if not isinstance(urls, StringColumn):
        return none
    negating = urls.matches(lambda url: url.lower().endswith(_NOT_DONE))
    return any_within(negating & _is_true(values), extensions.parents, len(table))


def _is_true(column: Column) -> Mask:
    if isinstance(column, ChoiceColumn):
        found: Mask = np.logical_or.reduce([_is_true(part) for part in column.alternatives])
        return found
    return column.is_true if isinstance(column, BooleanColumn) else np.zeros(len(column), np.bool_)


def _has_code(column: Column, wanted: Callable[[str, str], bool]) -> Mask:
    """Mask of the rows of codes, concepts, or lists of them, with a code for which `wanted` (system, code) holds."""
    n = len(column)
    if isinstance(column, ListColumn):
        return any_within(_has_code(column.values, wanted), column.parents, n)
    if isinstance(column, ConceptColumn):
        return any_within(_has_code(column.codes, wanted), column.parents, n)
    return column.matches(wanted) if isinstance(column, CodeColumn) else np.zeros(n, np.bool_)
