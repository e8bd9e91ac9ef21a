"""The codes of a value set, from its stored expansion or its definition (FHIR R4, ValueSet, "Value set expansion").

A stored expansion is used if it is complete. It is incomplete if `expansion.total` exceeds its number of entries, if it
has an offset, or if it has as many entries as the requested `count`. Then the definition (`compose`) is used:
enumerated concepts, nested value sets, available code systems, and exclusions. If the definition cannot be evaluated
either, the known codes are kept, and marked as incomplete with the reasons.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ecqm.terminology.codes import CodeKey
from ecqm.terminology.filters import Concepts, filtered, named_by
from ecqm.terminology.resources import (
    CodeSystemResource,
    Compose,
    ComposePart,
    Contains,
    StoredExpansion,
    ValueSetResource,
)
from ecqm.terminology.systems import canonical_system


@dataclass(frozen=True)
class Expansion:
    """The members of one value set.

    `codes` are (system, code) with canonical system names. `complete` is False if codes are, or may be, missing.
    `problems` says what is missing, was completed or is not supported. `origin` names the file.
    """

    url: str
    version: str | None
    name: str | None
    codes: frozenset[CodeKey]
    complete: bool
    problems: tuple[str, ...] = ()
    origin: str = ""


ValueSetLookup = Callable[[str], "Expansion | None"]
CodeSystemLookup = Callable[[str, str | None], "CodeSystemResource | None"]


def expand(
    resource: ValueSetResource, value_set: ValueSetLookup, code_system: CodeSystemLookup, origin: str
) -> Expansion:
    """The codes of `resource`: its stored expansion if complete, otherwise its definition, otherwise the known codes.

    `value_set` and `code_system` find the value sets and code systems of the definition by canonical URL (and version,
    for code systems), or return None.
    """
    stored = _listed(resource.expansion)
    incomplete = why_incomplete(resource.expansion)
    definition = resource.compose
    if resource.expansion is not None and incomplete is None:
        return _result(resource, stored, True, [], origin)
    if definition is not None and definition.include:
        composition = _Composition(value_set, code_system)
        codes = composition.codes(definition)
        reason = [incomplete] if incomplete else []
        if composition.problems:
            return _result(resource, stored | codes, False, reason + composition.problems, origin)
        notes = [f"{why}; completed from compose: {len(codes)} codes" for why in reason]
        return _result(resource, codes, True, notes, origin)
    return _result(resource, stored, False, [incomplete or "neither an expansion nor a definition"], origin)


def why_incomplete(expansion: StoredExpansion | None) -> str | None:
    """The reason why a stored expansion is, or may be, incomplete; None if there is no such reason."""
    if expansion is None:
        return None
    entries = len(_flattened(expansion.contains))
    parameters = {p.name: p for p in expansion.parameter or ()}
    offset = parameters["offset"].valueInteger if "offset" in parameters else None
    count = parameters["count"].valueInteger if "count" in parameters else None
    limited = parameters.get("limitedExpansion")
    if expansion.total is not None and expansion.total > entries:
        return f"the stored expansion has {entries} of {expansion.total} codes"
    if offset:
        return f"the stored expansion starts at offset {offset}"
    if expansion.total is None and count and entries >= count:
        return f"the stored expansion ends at the requested count of {count} codes"
    if limited is not None and (limited.valueBoolean or limited.valueString == "true"):
        return f"the stored expansion is marked as limited ({entries} codes)"
    return None


def _result(
    resource: ValueSetResource, codes: Iterable[CodeKey], complete: bool, problems: list[str], origin: str
) -> Expansion:
    return Expansion(
        url=resource.url or resource.id or "",
        version=resource.version,
        name=resource.title or resource.name,
        codes=frozenset(codes),
        complete=complete,
        problems=tuple(dict.fromkeys(problems)),
        origin=origin,
    )


def _flattened(entries: list[Contains] | None) -> list[Contains]:
    found: list[Contains] = []
    for entry in entries or ():
        found.append(entry)
        if entry.contains:
            found += _flattened(entry.contains)
    return found


def _listed(expansion: StoredExpansion | None) -> set[CodeKey]:
    """The selectable codes of a stored expansion.

    Abstract entries only group others and are not members. Inactive entries are members: they are listed because
    records from the time when they were active contain them.
    """
    if expansion is None:
        return set()
    return {
        (canonical_system(entry.system), entry.code)
        for entry in _flattened(expansion.contains)
        if entry.code is not None and not entry.abstract
    }


class _Composition:
    """The evaluation of a definition; `problems` says why codes may be missing from the result, or too many."""

    def __init__(self, value_set: ValueSetLookup, code_system: CodeSystemLookup) -> None:
        self.problems: list[str] = []
        self._value_set = value_set
        self._code_system = code_system

    def codes(self, definition: Compose) -> set[CodeKey]:
        """The codes of all includes without those of all excludes."""
        found = set[CodeKey]().union(*map(self._part, definition.include or ()))
        return found.difference(*map(self._part, definition.exclude or ()))

    def _part(self, part: ComposePart) -> set[CodeKey]:
        """The codes of an include or exclude: those of its system that are also in all value sets that it names."""
        selections: list[set[CodeKey]] = []
        if part.system is not None:
            selections.append(self._of_system(part, part.system))
        for url in part.valueSet or ():
            nested = self._value_set(url)
            if nested is None:
                self.problems.append(f"the nested value set {url} was not found")
                continue
            if not nested.complete:
                self.problems.append(f"the nested value set {url} is incomplete: {'; '.join(nested.problems)}")
            selections.append(set(nested.codes))
        return set.intersection(*selections) if selections else set()

    def _of_system(self, part: ComposePart, name: str) -> set[CodeKey]:
        """The codes that a part lists of its system, or that its filters select; all codes if it has neither."""
        system = canonical_system(name)
        if part.concept is not None:
            return {(system, concept.code) for concept in part.concept}
        named = [codes for condition in part.filter or () if (codes := named_by(condition)) is not None]
        if named and len(named) == len(part.filter or ()):
            return {(system, code) for code in set.intersection(*named)}
        resource = self._code_system(name, part.version)
        if resource is None:
            selection = "a filter on" if part.filter else "all of"
            self.problems.append(f"{selection} the code system {name}, which was not found")
            return set()
        return {(system, code) for code in self._selected(part, name, resource)}

    def _selected(self, part: ComposePart, name: str, resource: CodeSystemResource) -> frozenset[str]:
        """The codes of a code system that meet all filters of a part."""
        if resource.content != "complete":
            self.problems.append(f"the available code system {name} is not complete ({resource.content})")
        if part.version is not None and resource.version is not None and part.version != resource.version:
            versions = f"in version {resource.version}, not {part.version}"
            self.problems.append(f"the code system {name} is available {versions}")
        concepts = Concepts(resource)
        codes = concepts.codes
        for condition in part.filter or ():
            kept = filtered(condition, concepts)
            if kept is None:
                self.problems.append(f"unsupported filter on {name}: {condition}")
            else:
                codes &= kept
        return codes
