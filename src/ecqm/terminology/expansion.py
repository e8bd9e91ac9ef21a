"""The codes of a value set, from its stored expansion or its definition (FHIR R4, ValueSet, "Value set expansion").

A stored expansion is used if it is complete. It is incomplete if `expansion.total` exceeds its number of entries, if it
has an offset, or if it has as many entries as the requested `count`. Then the definition (`compose`) is used:
enumerated concepts, nested value sets, available code systems, and exclusions. If the definition cannot be evaluated
either, the known codes are kept, and marked as incomplete with the reasons.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ecqm.terminology.codes import CodeKey
from ecqm.terminology.filters import Concepts, filtered, named_by
from ecqm.terminology.resources import (
    CodeSystemResource,
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


@dataclass
class _Gathered:
    codes: set[CodeKey] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)


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
        composed = _Gathered()
        for part in definition.include:
            composed.codes |= _part(part, value_set, code_system, composed.problems)
        for part in definition.exclude or ():
            composed.codes -= _part(part, value_set, code_system, composed.problems)
        if not composed.problems:
            notes = [f"{incomplete}; completed from compose: {len(composed.codes)} codes"] if incomplete else []
            return _result(resource, composed.codes, True, notes, origin)
        reason = [incomplete] if incomplete else []
        return _result(resource, stored | composed.codes, False, reason + composed.problems, origin)
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


def _part(
    part: ComposePart, value_set: ValueSetLookup, code_system: CodeSystemLookup, problems: list[str]
) -> set[CodeKey]:
    """The codes of an include or exclude: those of its system that are also in all value sets that it names."""
    selections: list[set[CodeKey]] = []
    if part.system is not None:
        selections.append(_of_system(part, code_system, problems))
    for url in part.valueSet or ():
        nested = value_set(url)
        if nested is None:
            problems.append(f"the nested value set {url} was not found")
            continue
        if not nested.complete:
            problems.append(f"the nested value set {url} is incomplete: {'; '.join(nested.problems)}")
        selections.append(set(nested.codes))
    return set.intersection(*selections) if selections else set()


def _of_system(part: ComposePart, code_system: CodeSystemLookup, problems: list[str]) -> set[CodeKey]:
    assert part.system is not None
    system = canonical_system(part.system)
    if part.concept is not None:
        return {(system, concept.code) for concept in part.concept}
    named = [named_by(condition) for condition in part.filter or ()]
    if named and None not in named:
        return {(system, code) for code in set.intersection(*(codes for codes in named if codes is not None))}
    resource = code_system(part.system, part.version)
    if resource is None:
        selection = "a filter on" if part.filter else "all of"
        problems.append(f"{selection} the code system {part.system}, which was not found")
        return set()
    if resource.content != "complete":
        problems.append(f"the available code system {part.system} is not complete ({resource.content})")
    if part.version is not None and resource.version is not None and part.version != resource.version:
        problems.append(f"the code system {part.system} is available in version {resource.version}, not {part.version}")
    concepts = Concepts(resource)
    codes = concepts.codes
    for condition in part.filter or ():
        kept = filtered(condition, concepts)
        if kept is None:
            problems.append(f"unsupported filter on {part.system}: {condition}")
        else:
            codes &= kept
    return {(system, code) for code in codes}
