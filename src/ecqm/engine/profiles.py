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
from typing import Any, Literal
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
    StringColumn,
)
from ecqm.kernels.segments import any_within, distinct
from ecqm.models.profiles import bases_of, canonical, derived_from, is_known, negation_of, profile_facts
from ecqm.types import NamedType

ProfileRule = Literal["declared", "inferred", "both"]

LOINC = "http://loinc.org"
# Modifier extensions that say that something was not, or is not to be, done; of their URLs the last part counts.
_NOT_DONE = ("qicore-notdone", "donotperform")


class FhirProfiles:
    """Retrieves by profile, in tables of FHIR resources (`ecqm.engine.executor.Profiles`)."""

    def __init__(self, rule: ProfileRule = "both") -> None:
        self.rule = rule
        self._masks: WeakKeyDictionary[Any, dict[str, Mask]] = WeakKeyDictionary()

    def instances(self, type_: NamedType) -> NamedType:
        """ELM retrieves FHIR by its resource types, which are those of the data."""
        return type_

    def code_property(self, name: str) -> str:
        """A concept holds all its codes itself."""
        return name

    def matching(self, table: Any, type_: NamedType, profile: str | None) -> Mask:
        """Mask over the rows of a table: those that a retrieve of `profile` takes."""
        n = len(table)
        wanted = "" if profile is None else canonical(profile)
        if not wanted or n == 0 or table.resource_type == "Patient" or wanted.endswith(f"/{table.resource_type}"):
            return np.ones(n, np.bool_)
        masks = self._masks.setdefault(table, {})
        if wanted not in masks:
            masks[wanted] = self._matching(table, wanted)
        return masks[wanted]

    def _matching(self, table: Any, profile: str) -> Mask:
        if self.rule == "inferred":
            return inferred(table, profile)
        declared = _declares(table, derived_from(profile).__contains__)
        if self.rule == "declared":
            return declared
        bases = bases_of(profile)
        told = declared | _declares(table, lambda url: is_known(url) and url not in bases)
        return declared if told.all() else declared | (inferred(table, profile) & ~told)


def _declares(table: Any, telling: Callable[[str], bool]) -> Mask:
    """The rows that declare a profile of which `telling` is true."""
    declared: ListColumn = table.profiles
    urls = declared.values
    n = len(table)
    if not isinstance(urls, StringColumn) or len(urls) == 0:
        return np.zeros(n, np.bool_)
    different, places = distinct(urls.ids)
    told = np.array([i >= 0 and telling(canonical(urls.pool.strings[i])) for i in different.tolist()], np.bool_)
    return any_within(told[places], declared.parents, n)


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
            said = [i >= 0 and status.pool.strings[i] in negation.status for i in different.tolist()]
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
    negating = [i >= 0 and urls.pool.strings[i].lower().endswith(_NOT_DONE) for i in different.tolist()]
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
