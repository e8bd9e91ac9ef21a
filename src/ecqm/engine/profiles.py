"""Which resources a retrieve of a profile takes.

Three rules (`ecqm test --profiles`):

- `declared`: those that declare the profile in meta.profile, or one that is derived from it.
- `inferred`: those that conform to what the profile fixes, whatever they declare.
- `both`: a resource that declares a profile of QI-Core or US Core is taken at its word; for any other, and for one
  that declares no more than a profile that the retrieved one is derived from, what the profile fixes decides.

A profile that no version of QI-Core or US Core has declares nothing. The patient is who the evaluation is about,
whatever profile is declared, and every resource is of the base definition of its type.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from ecqm.columns import (
    POOL,
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
from ecqm.kernels.segments import any_within, distinct, representatives
from ecqm.models.profiles import bases_of, canonical, derived_from, is_known, negation_of, profile_facts
from ecqm.types import NamedType

ProfileRule = Literal["declared", "inferred", "both"]

LOINC = "http://loinc.org"
# Modifier extensions that say that something was not, or is not to be, done; of their URLs the last part counts.
_NOT_DONE = ("qicore-notdone", "donotperform")


class Declared(NamedTuple):
    """What resources declare: `number` (n) is, for each row of a table, the place of what it declares in `sets`."""

    number: Rows
    sets: list[frozenset[str]]


_DECLARED: WeakKeyDictionary[Any, Declared] = WeakKeyDictionary()


def declared_in(table: Any) -> Declared:
    """The sets of profiles that rows of a table declare, each looked at once; made once for a table."""
    found = _DECLARED.get(table)
    if found is None:
        profiles: ListColumn = table.profiles
        rows, number = representatives(profiles.keys())
        urls = profiles.values
        sets = []
        for start, end in zip(profiles.offsets[rows].tolist(), profiles.offsets[rows + 1].tolist(), strict=True):
            texts = urls.take(np.arange(start, end)).texts() if isinstance(urls, StringColumn) else []
            sets.append(frozenset(canonical(text) for text in texts if text is not None))
        found = _DECLARED[table] = Declared(number, sets)
    return found


_NO, _YES, _OPEN = 0, 1, 2


class FhirProfiles:
    """Retrieves by profile, in tables of FHIR resources (`ecqm.engine.executor.Profiles`)."""

    def __init__(self, rule: ProfileRule = "both") -> None:
        self.rule = rule
        self._inferred: WeakKeyDictionary[Any, dict[str, Mask]] = WeakKeyDictionary()

    def __reduce__(self) -> tuple[type[FhirProfiles], tuple[ProfileRule]]:
        # What was inferred is about tables of this process.
        return FhirProfiles, (self.rule,)

    def instances(self, type_: NamedType) -> NamedType:
        """ELM retrieves FHIR by its resource types, which are those of the data."""
        return type_

    def code_property(self, name: str) -> str:
        """A concept holds all its codes itself."""
        return name

    def matching(self, table: Any, type_: NamedType, profile: str | None, rows: Rows) -> Mask:
        """Mask over `rows` of a table: those that a retrieve of `profile` takes."""
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
        """Whether resources that declare all of these are taken; open where that is for what they are to say."""
        if not urls.isdisjoint(derived_from(profile)):
            return _YES
        if self.rule == "declared" or any(is_known(url) for url in urls - bases_of(profile)):
            return _NO
        return _OPEN

    def _conforming(self, table: Any, profile: str) -> Mask:
        masks = self._inferred.setdefault(table, {})
        if profile not in masks:
            masks[profile] = inferred(table, profile)
        return masks[profile]


def inferred(table: Any, profile: str) -> Mask:
    """The rows that conform to what a profile fixes: negation, category, code."""
    facts = profile_facts(profile)
    found = np.ones(len(table), np.bool_)
    if facts.negated is not None:
        found &= negated(table) == facts.negated
    if facts.category:
        found &= _has_code(table.element("category"), lambda system, code: code in facts.category)
    if facts.code:
        found &= _has_code(table.element("code"), lambda system, code: system == LOINC and code in facts.code)
    return found


def negated(table: Any) -> Mask:
    """The rows that say that something was not, or is not to be, done."""
    found = _modified(table)
    negation = negation_of(table.resource_type)
    if negation is None:
        return found
    if negation.status:
        status = table.element("status")
        if isinstance(status, StringColumn):
            different, places = distinct(status.ids)
            said = [i >= 0 and POOL.strings[i] in negation.status for i in different.tolist()]
            found = found | np.array(said, np.bool_)[places]
    if negation.element is not None:
        element = table.element(negation.element)
        if isinstance(element, BooleanColumn):
            found = found | element.is_true
    return found


def _modified(table: Any) -> Mask:
    """The rows with a modifier extension for negation that is true."""
    none = np.zeros(len(table), np.bool_)
    extensions = table.element("modifierExtension")
    if not isinstance(extensions, ListColumn) or not isinstance(extensions.values, RecordColumn):
        return none
    urls, values = extensions.values.field("url"), extensions.values.field("value")
    if not isinstance(urls, StringColumn):
        return none
    different, places = distinct(urls.ids)
    negating = [i >= 0 and POOL.strings[i].lower().endswith(_NOT_DONE) for i in different.tolist()]
    return any_within(np.array(negating, np.bool_)[places] & _is_true(values), extensions.parents, len(table))


def _is_true(column: Column) -> Mask:
    if isinstance(column, ChoiceColumn):
        found: Mask = np.logical_or.reduce([_is_true(part) for part in column.alternatives])
        return found
    return column.is_true if isinstance(column, BooleanColumn) else np.zeros(len(column), np.bool_)


def _has_code(column: Column, wanted: Callable[[str, str], bool]) -> Mask:
    """The rows of codes, concepts or lists of them, in which there is a code that is wanted (by system and code)."""
    n = len(column)
    if isinstance(column, ListColumn):
        return any_within(_has_code(column.values, wanted), column.parents, n)
    if isinstance(column, ConceptColumn):
        return any_within(_has_code(column.codes, wanted), column.parents, n)
    if isinstance(column, CodeColumn):
        different, places = distinct(column.ids)
        return np.array([i >= 0 and wanted(*column.index.code(i)) for i in different.tolist()], np.bool_)[places]
    return np.zeros(n, np.bool_)
