"""Codes, concepts, value sets and code systems, and references to their declarations (`elm:3`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from ecqm.elm import nodes as elm
from ecqm.elm.library import IndexedLibrary
from ecqm.plan.lowering.core import Lowering, PlanError, Scope, lowers
from ecqm.plan.nodes import PlanNode
from ecqm.types import CODE, CODE_SYSTEM, CONCEPT, VALUE_SET
from ecqm.values import Code, CodeSystem, Concept, ValueSet

Reference = elm.CodeRef | elm.ConceptRef | elm.ValueSetRef | elm.CodeSystemRef
_D = TypeVar("_D")


def _declared(
    lowering: Lowering, kind: str, reference: Reference, library: IndexedLibrary, place: str
) -> tuple[IndexedLibrary, str]:
    """The library that a reference leads to, and the message for when it has no such declaration."""
    home = lowering.libraries.included(library, reference.libraryName)
    return home, f"{place}: library {home.identifier} declares no {kind} {reference.name!r}"


def _found(declarations: Mapping[str, _D], reference: Reference, complaint: str) -> _D:
    found = declarations.get(reference.name)
    if found is None:
        raise PlanError(complaint)
    return found


def _code(lowering: Lowering, definition: elm.CodeDef | elm.Code, library: IndexedLibrary, place: str) -> Code:
    """The value of a declared code or a code literal, with the id and version of its code system."""
    if isinstance(definition, elm.Code):
        name, system = definition.code, definition.system
    elif definition.codeSystem is None:
        return Code(definition.id, display=definition.display)
    else:
        name, system = definition.id, definition.codeSystem
    home, complaint = _declared(lowering, "code system", system, library, place)
    declared = _found(home.code_systems, system, complaint)
    return Code(name, declared.id, declared.version, definition.display)


def _code_of(lowering: Lowering, reference: elm.CodeRef, library: IndexedLibrary, place: str) -> Code:
    home, complaint = _declared(lowering, "code", reference, library, place)
    return _code(lowering, _found(home.codes, reference, complaint), home, place)


@lowers(elm.Code)
def code(lowering: Lowering, node: elm.Code, scope: Scope) -> PlanNode:
    return lowering.constant(_code(lowering, node, scope.library, lowering.place(node, scope)), CODE)


@lowers(elm.Concept)
def concept(lowering: Lowering, node: elm.Concept, scope: Scope) -> PlanNode:
    place = lowering.place(node, scope)
    codes = tuple(_code(lowering, part, scope.library, place) for part in node.code)
    return lowering.constant(Concept(codes, node.display), CONCEPT)


@lowers(elm.CodeRef)
def code_ref(lowering: Lowering, node: elm.CodeRef, scope: Scope) -> PlanNode:
    return lowering.constant(_code_of(lowering, node, scope.library, lowering.place(node, scope)), CODE)


@lowers(elm.ConceptRef)
def concept_ref(lowering: Lowering, node: elm.ConceptRef, scope: Scope) -> PlanNode:
    place = lowering.place(node, scope)
    home, complaint = _declared(lowering, "concept", node, scope.library, place)
    definition = _found(home.concepts, node, complaint)
    codes = tuple(_code_of(lowering, part, home, place) for part in definition.code)
    return lowering.constant(Concept(codes, definition.display), CONCEPT)


@lowers(elm.ValueSetRef)
def value_set_ref(lowering: Lowering, node: elm.ValueSetRef, scope: Scope) -> PlanNode:
    home, complaint = _declared(lowering, "value set", node, scope.library, lowering.place(node, scope))
    definition = _found(home.value_sets, node, complaint)
    return lowering.constant(ValueSet(definition.id, definition.version, definition.name), VALUE_SET)


@lowers(elm.CodeSystemRef)
def code_system_ref(lowering: Lowering, node: elm.CodeSystemRef, scope: Scope) -> PlanNode:
    home, complaint = _declared(lowering, "code system", node, scope.library, lowering.place(node, scope))
    definition = _found(home.code_systems, node, complaint)
    return lowering.constant(CodeSystem(definition.id, definition.version, definition.name), CODE_SYSTEM)
