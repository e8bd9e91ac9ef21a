"""Filters in the definition of a value set (FHIR R4, ValueSet.compose.include.filter).

A code system states its hierarchy by nesting concepts, or by the properties `parent` and `child`. The operators are
those of R4's filter-operator, and `child-of` and `descendent-leaf` of R5.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property

from ecqm.terminology.resources import CodeSystemConcept, CodeSystemResource, ComposeFilter

_OF_CONCEPTS = ("concept", "code")


def filtered(condition: ComposeFilter, concepts: Concepts) -> set[str] | None:
    """The codes that meet a condition; None if the operator or its value is not supported."""
    if condition.property in _OF_CONCEPTS and condition.op in _BY_HIERARCHY:
        return _BY_HIERARCHY[condition.op](concepts, condition.value)
    meets = _condition(condition)
    if meets is None:
        return None
    return {code for code in concepts.codes if meets(concepts.values(code, condition.property))}


def named_by(condition: ComposeFilter) -> set[str] | None:
    """The codes that a condition lists itself (`concept = x`, `concept in x,y`); None for other conditions."""
    if condition.property not in _OF_CONCEPTS or condition.op not in ("=", "in"):
        return None
    return _listed(condition.value) if condition.op == "in" else {condition.value.strip()}


class Concepts:
    """The concepts of a code system by code, with their hierarchy."""

    def __init__(self, resource: CodeSystemResource) -> None:
        self._concepts: dict[str, CodeSystemConcept] = {}
        self._children: dict[str, dict[str, None]] = {}
        for concept, parent in _flattened(resource):
            self._concepts[concept.code] = concept
            self._children.setdefault(concept.code, {})
            if parent is not None:
                self._children.setdefault(parent, {})[concept.code] = None
            for value in self.values(concept.code, "parent"):
                self._children.setdefault(value, {})[concept.code] = None
            for value in self.values(concept.code, "child"):
                self._children[concept.code][value] = None

    @cached_property
    def codes(self) -> frozenset[str]:
        """All codes."""
        return frozenset(self._concepts)

    def values(self, code: str, name: str) -> list[str]:
        """The values of a property of a concept, as text. `code`, `concept` and `display` count as properties."""
        concept = self._concepts[code]
        if name in _OF_CONCEPTS:
            return [code]
        if name == "display":
            return [concept.display] if concept.display is not None else []
        return [value for each in concept.property or () if each.code == name and (value := each.text) is not None]

    def children(self, code: str) -> set[str]:
        """The codes directly below a code."""
        return self._concepts.keys() & self._children.get(code, {}).keys()

    def descendants(self, code: str) -> set[str]:
        """All codes below a code."""
        return _reached(code, self._children) & self._concepts.keys()

    def ancestors(self, code: str) -> set[str]:
        """All codes above a code."""
        return _reached(code, self._parents) & self._concepts.keys()

    def itself(self, code: str) -> set[str]:
        """The code itself, if there is such a concept."""
        return {code} & self._concepts.keys()

    @cached_property
    def _parents(self) -> Mapping[str, dict[str, None]]:
        parents: dict[str, dict[str, None]] = {}
        for parent, children in self._children.items():
            for child in children:
                parents.setdefault(child, {})[parent] = None
        return parents


def _flattened(resource: CodeSystemResource) -> Iterator[tuple[CodeSystemConcept, str | None]]:
    """All concepts, each with the code of the concept that contains it."""
    waiting: list[tuple[CodeSystemConcept, str | None]] = [(concept, None) for concept in resource.concept or ()]
    while waiting:
        concept, parent = waiting.pop()
        yield concept, parent
        waiting += [(child, concept.code) for child in concept.concept or ()]


def _reached(start: str, links: Mapping[str, Mapping[str, None]]) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        fresh = links.get(waiting.pop(), {}).keys() - found
        found |= fresh
        waiting += fresh
    return found


_BY_HIERARCHY: Mapping[str, Callable[[Concepts, str], set[str]]] = {
    "is-a": lambda concepts, code: concepts.descendants(code) | concepts.itself(code),
    "descendent-of": lambda concepts, code: concepts.descendants(code) - {code},
    "is-not-a": lambda concepts, code: set(concepts.codes - concepts.descendants(code) - {code}),
    "generalizes": lambda concepts, code: concepts.ancestors(code) | concepts.itself(code),
    "child-of": lambda concepts, code: concepts.children(code),
    "descendent-leaf": lambda concepts, code: {c for c in concepts.descendants(code) if not concepts.children(c)},
}


def _condition(condition: ComposeFilter) -> Callable[[list[str]], bool] | None:
    """The test for the values of a property, met if one of the values meets it; None if it is not supported."""
    value = condition.value.strip()
    if condition.op == "=":
        return lambda values: value in values
    if condition.op in ("in", "not-in"):
        listed, wanted = _listed(value), condition.op == "in"
        return lambda values: any(each in listed for each in values) is wanted
    if condition.op == "exists" and value in ("true", "false"):
        return lambda values: bool(values) is (value == "true")
    if condition.op == "regex":
        try:
            pattern = re.compile(condition.value)
        except re.error:
            return None
        return lambda values: any(pattern.fullmatch(each) for each in values)
    return None


def _listed(value: str) -> set[str]:
    return {each.strip() for each in value.split(",")}
