"""The codes of a value set: from its stored expansion, completed from its definition where that was cut.

A stored expansion is taken as whole only if nothing says that it was cut: `expansion.total` above what it
contains, an offset, or exactly as many entries as the `count` it was asked for. A cut one gives way to `compose`
(enumerated concepts, nested value sets, whole code systems at hand, exclusions); what cannot be completed is kept,
marked as not complete, with the counts (FHIR R4, ValueSet resource, "Value set expansion").
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
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

    `codes` are (system, code) under canonical system names. `complete` is False if codes are known or feared to
    be missing; `problems` says what was cut, completed or not understood. `origin` names the file it came from.
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
    """The codes of `resource`: its stored expansion if whole, otherwise its definition, otherwise what there is.

    `value_set` and `code_system` find what the definition refers to, by canonical URL (a system also by version),
    or return None.
    """
    stored = _listed(resource.expansion)
    cut = cut_reason(resource.expansion)
    definition = resource.compose
    if resource.expansion is not None and cut is None:
        return _result(resource, stored, True, [], origin)
    if definition is not None and definition.include:
        composed = _Gathered()
        for part in definition.include:
            composed.codes |= _part(part, value_set, code_system, composed.problems)
        for part in definition.exclude or ():
            composed.codes -= _part(part, value_set, code_system, composed.problems)
        if not composed.problems:
            notes = [f"{cut}; completed from compose: {len(composed.codes)} codes"] if cut else []
            return _result(resource, composed.codes, True, notes, origin)
        reason = [cut] if cut else []
        return _result(resource, stored | composed.codes, False, reason + composed.problems, origin)
    return _result(resource, stored, False, [cut or "neither an expansion nor a definition"], origin)


def cut_reason(expansion: StoredExpansion | None) -> str | None:
    """Why a stored expansion may not be taken as whole; None if nothing speaks against it."""
    if expansion is None:
        return None
    entries = sum(1 for _ in _flattened(expansion.contains))
    parameters = {p.name: p for p in expansion.parameter or ()}
    offset = parameters["offset"].valueInteger if "offset" in parameters else None
    count = parameters["count"].valueInteger if "count" in parameters else None
    limited = parameters.get("limitedExpansion")
    if expansion.total is not None and expansion.total > entries:
        return f"the stored expansion holds {entries} of {expansion.total} codes"
    if offset:
        return f"the stored expansion starts at its code {offset}"
    if expansion.total is None and count and entries >= count:
        return f"the stored expansion stops at the {count} codes it was asked for"
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
        problems=tuple(problems),
        origin=origin,
    )


def _flattened(entries: list[Contains] | None) -> Iterator[Contains]:
    for entry in entries or ():
        yield entry
        yield from _flattened(entry.contains)


def _listed(expansion: StoredExpansion | None) -> set[CodeKey]:
    """Selectable codes of a stored expansion.

    An abstract entry groups others and is no member. An inactive one is: the expansion lists it because records
    from the time when it was active carry it.
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
    """Codes of one include or exclude: those of its system that are also in every value set it names."""
    selections: list[set[CodeKey]] = []
    if part.system is not None:
        selections.append(_of_system(part, code_system, problems))
    for url in part.valueSet or ():
        nested = value_set(url)
        if nested is None:
            problems.append(f"the nested value set {url} is not at hand")
            continue
        if not nested.complete:
            problems.append(f"the nested value set {url} is not complete: {'; '.join(nested.problems)}")
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
        problems.append(f"a {'filter on' if part.filter else 'whole'} code system that is not at hand: {part.system}")
        return set()
    if resource.content != "complete":
        problems.append(f"the code system {part.system} at hand is not complete ({resource.content})")
    if part.version is not None and resource.version is not None and part.version != resource.version:
        problems.append(f"the code system {part.system} is at hand in version {resource.version}, not {part.version}")
    concepts = Concepts(resource)
    codes = concepts.codes
    for condition in part.filter or ():
        kept = filtered(condition, concepts)
        if kept is None:
            problems.append(f"unsupported filter on {part.system}: {condition}")
        else:
            codes &= kept
    return {(system, code) for code in codes}
