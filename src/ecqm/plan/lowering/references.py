"""References: definitions, functions, parameters, aliases, operands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from ecqm.elm import nodes as elm
from ecqm.elm.library import IndexedLibrary
from ecqm.elm.narrative import narrated
from ecqm.models import load_model, model_versions
from ecqm.models.profiles import canonical
from ecqm.plan.lowering.core import Lowering, PlanError, Scope, lowers
from ecqm.plan.lowering.types import specified_type
from ecqm.plan.lowering.values import element_of, retrieve_behind
from ecqm.plan.nodes import Call, Conditional, FunctionKernel, Parameter, PlanNode, TypeTest
from ecqm.types import CqlType


@lowers(elm.ExpressionRef)
def expression_ref(lowering: Lowering, node: elm.ExpressionRef, scope: Scope) -> PlanNode:
    return lowering.define(lowering.libraries.included(scope.library, node.libraryName), node.name)


@lowers(elm.ParameterRef)
def parameter_ref(lowering: Lowering, node: elm.ParameterRef, scope: Scope) -> PlanNode:
    library = lowering.libraries.included(scope.library, node.libraryName)
    definition = library.parameters.get(node.name)
    if definition is None:
        raise PlanError(f"{lowering.place(node, scope)}: library {library.identifier} has no parameter {node.name!r}")
    default = None
    if definition.default is not None:
        default = lowering.lower(
            definition.default, Scope(library, (f"{library.identifier.name} parameter {node.name!r}",))
        )
    return lowering.builder.make(Parameter, node.name, default)


@lowers(elm.AliasRef, elm.QueryLetRef)
def alias_ref(lowering: Lowering, node: elm.AliasRef | elm.QueryLetRef, scope: Scope) -> PlanNode:
    return lowering.named(node.name, node, scope)


@lowers(elm.OperandRef)
def operand_ref(lowering: Lowering, node: elm.OperandRef, scope: Scope) -> PlanNode:
    found = scope.operands.get(node.name)
    if found is None:
        raise PlanError(f"{lowering.place(node, scope)}: the function has no operand {node.name!r}")
    return found


@lowers(elm.IdentifierRef)
def identifier_ref(lowering: Lowering, node: elm.IdentifierRef, scope: Scope) -> PlanNode:
    if node.name in scope.names:
        return scope.names[node.name]
    if scope.element is not None:
        return scope.element if node.name == "$this" else element_of(lowering, scope.element, node.name, scope)
    if node.name in scope.operands:
        return scope.operands[node.name]
    if scope.library.expressions.get(node.name) is not None:
        return lowering.define(scope.library, node.name)
    raise PlanError(f"{lowering.place(node, scope)}: there is no {node.name!r} here")


@lowers(elm.FunctionRef)
def function_ref(lowering: Lowering, node: elm.FunctionRef, scope: Scope) -> PlanNode:
    library = lowering.libraries.included(scope.library, node.libraryName)
    operands = tuple(lowering.lower(operand, scope) for operand in node.operand)
    kernel = lowering.kernels(library.identifier.name, node.name)
    if kernel is not None and len(operands) == 1:
        return lowering.builder.make(FunctionKernel, kernel, operands[0])
    overloads = _overloads(lowering, library.functions.get(node.name, ()), node, operands, scope)
    # CQL has no recursion, so the call does not mean an overload whose body contains it.
    overloads = [overload for overload in overloads if _step(library, overload) not in scope.path] or overloads
    place = lowering.place(node, scope)
    bodies = [call_function(lowering, library, function, operands, place, scope) for function in overloads]
    return bodies[0] if len(bodies) == 1 else _by_operand_types(lowering, overloads, operands, bodies)


def _step(library: IndexedLibrary, function: elm.FunctionDef) -> str:
    """A function with its operand types, as a step of `Scope.path`."""
    return f"{library.identifier.name}.{function.name}({', '.join(map(str, _operand_types(function)))})"


def call_function(
    lowering: Lowering,
    library: IndexedLibrary,
    function: elm.FunctionDef,
    operands: Sequence[PlanNode],
    place: str,
    scope: Scope,
) -> PlanNode:
    """The plan of a function's body for the plans of its operands. Raises PlanError if the function is external or
    recursive."""
    if function.expression is None:
        raise PlanError(f"{place}: function {library.identifier.name}.{function.name} is external")
    key = (id(function), tuple(operands), scope.unfiltered, scope.variables)
    known = lowering.lowered.calls.get(key)
    if known is not None:
        return known
    step = _step(library, function)
    if step in scope.path:
        raise PlanError(f"{place}: function {library.identifier.name}.{function.name} calls itself")
    inside = Scope(
        library,
        (*scope.path, step),
        scope.unfiltered,
        operands={operand.name: value for operand, value in zip(function.operand, operands, strict=True)},
        variables=scope.variables,
        lowered={},
    )
    lowering.lowered.numbers.add(function.expression)
    body = lowering.lowered.calls[key] = lowering.lower(function.expression, inside)
    return body


def _overloads(
    lowering: Lowering,
    candidates: Sequence[elm.FunctionDef],
    node: elm.FunctionRef,
    operands: Sequence[PlanNode],
    scope: Scope,
) -> list[elm.FunctionDef]:
    """The overloads that a call may refer to, by the number of operands and the signature, if the translator wrote it.

    In ELM, all profiles of a resource type are one type. Overloads that differ only in the profile are distinguished by
    their source text in the annotation; without it, the first is taken and a warning added.
    """
    fitting = [function for function in candidates if len(function.operand) == len(node.operand)]
    if len(fitting) > 1 and node.signature:
        wanted = [specified_type(part) for part in node.signature]
        fitting = [function for function in fitting if _operand_types(function) == wanted] or fitting
    if not fitting:
        count = len(node.operand)
        raise PlanError(f"{lowering.place(node, scope)}: there is no function {node.name!r} of {count} operands")
    distinct: dict[str, list[elm.FunctionDef]] = {}
    for function in fitting:
        distinct.setdefault(repr(_operand_types(function)), []).append(function)
    chosen = []
    for same in distinct.values():
        # Reading the source text is slow, so it is done only for overloads that it has to distinguish.
        named = same if len(same) == 1 else [function for function in same if _names_profile(function, operands)]
        if len(named) != 1:
            lowering.warnings.append(
                f"{lowering.place(node, scope)}: {node.name!r} has overloads of the same operand types; "
                "the first is taken"
            )
        chosen.append(named[0] if len(named) == 1 else same[0])
    return chosen


def _names_profile(function: elm.FunctionDef, operands: Sequence[PlanNode]) -> bool:
    """Whether the type of a function's first operand, in its source text, is the profile that the operand is retrieved
    by."""
    retrieve = retrieve_behind(operands[0]) if operands else None
    if retrieve is None or retrieve.profile is None or function.localId is None:
        return False
    header = _HEADER.search(narrated(function).get(function.localId, ""))
    return header is not None and not _profile_names(retrieve.profile).isdisjoint(re.findall(r"\w+", header[1]))


# Finds the type of the first operand in the source text of a function definition.
_HEADER = re.compile(r"\bfunction\s+\"?[^\"(]+\"?\s*\(\s*(?:\"[^\"]*\"|\w+)\s+([^,)]*)")


@cache
def _profile_names(url: str) -> frozenset[str]:
    """The names of a profile as a type of QI-Core or US Quality Core, in all their versions."""
    models = (load_model(name, version) for name in ("QICore", "USQualityCore") for version in model_versions(name))
    profiles = (model.profile(canonical(url)) for model in models)
    return frozenset(profile.name for profile in profiles if profile is not None)


def _by_operand_types(
    lowering: Lowering, overloads: Sequence[elm.FunctionDef], operands: Sequence[PlanNode], bodies: Sequence[PlanNode]
) -> PlanNode:
    """A call without a signature: for each row, the first overload whose operand types fit the operands, otherwise
    null."""
    make = lowering.builder.make
    branches = []
    for function, body in zip(overloads, bodies, strict=True):
        types = _operand_types(function)
        tests = [make(TypeTest, operand, type_) for operand, type_ in zip(operands, types, strict=True)]
        condition: PlanNode = tests[0]
        for test in tests[1:]:
            condition = make(Call, "And", (condition, test))
        branches.append((condition, body))
    return make(Conditional, tuple(branches), lowering.null())


def _operand_types(function: elm.FunctionDef) -> list[CqlType]:
    return [specified_type(operand.operandTypeSpecifier, operand.operandType) for operand in function.operand]
