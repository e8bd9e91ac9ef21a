"""The state of lowering, and the registry of functions that lower ELM nodes."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, TypeVar

from ecqm.elm import nodes as elm
from ecqm.elm.library import IndexedLibrary, LibraryIdentifier
from ecqm.elm.numbering import ExpressionNumbers
from ecqm.elm.resolution import ResolvedLibraries
from ecqm.plan.builder import PlanBuilder
from ecqm.plan.nodes import Constant, Element, PlanNode, Variable
from ecqm.types import ANY, CqlType


class PlanError(Exception):
    """A library contains something that cannot be planned; the message names the library, the define and the place."""


@dataclass(frozen=True)
class Scope:
    """The meaning of names at a place in a library: `operands` of the function, aliases and lets (`names`) and the
    `variables` of the enclosing queries.

    `path` is the define, followed by the functions called on the way here; it serves messages and detects recursion.
    """

    library: IndexedLibrary
    path: tuple[str, ...]
    unfiltered: bool = False
    names: Mapping[str, PlanNode] = field(default_factory=dict)
    operands: Mapping[str, PlanNode] = field(default_factory=dict)
    variables: frozenset[Variable] = frozenset()
    element: PlanNode | None = None  # in a sort clause: `$this`, and the value whose elements bare identifiers are
    lowered: dict[int, PlanNode] | None = None  # in a function: the plans of its expressions, by their number

    def with_name(self, name: str, node: PlanNode) -> Scope:
        """The scope with another alias or let."""
        return self._changed(names={**self.names, name: node})

    def with_variable(self, variable: Variable) -> Scope:
        """The scope inside a query that binds `variable`."""
        return self._changed(variables=self.variables | {variable})

    def with_element(self, element: Element) -> Scope:
        """The scope of a sort clause over elements."""
        return self._changed(
            variables=self.variables | {element}, element=element, names={**self.names, "$this": element}
        )

    def _changed(self, **changes: Any) -> Scope:
        # The plans of expressions depend on the names, so they are not valid in the new scope.
        return replace(self, **changes, lowered=None if self.lowered is None else {})


Lowerer = Callable[["Lowering", Any, Scope], PlanNode]
_LOWERERS: dict[type[elm.Node], Lowerer] = {}
_L = TypeVar("_L", bound=Lowerer)


def lowers(*node_classes: type[elm.Node]) -> Callable[[_L], _L]:
    """Register the function (lowering, node, scope) -> plan node for ELM nodes of these classes."""

    def register(lowerer: _L) -> _L:
        for node_class in node_classes:
            _LOWERERS[node_class] = lowerer
        return lowerer

    return register


def lowerer_of(node_class: type[elm.Node]) -> Lowerer | None:
    """The function for a class of ELM nodes; for an operator without one of its own, that of OperatorExpression."""
    own = _LOWERERS.get(node_class)
    return _LOWERERS[elm.OperatorExpression] if own is None and issubclass(node_class, elm.OperatorExpression) else own


@dataclass(frozen=True, slots=True)
class Place:
    """The place of an ELM node in the source: the library, its `locator` (lines and columns), and the `path`, which is
    the define followed by the functions that were called."""

    library: LibraryIdentifier
    path: tuple[str, ...]
    locator: str

    def __str__(self) -> str:
        return f"{self.library.name} {self.locator}"

    def to_json(self) -> dict[str, Any]:
        """The place as plain data."""
        return {"library": str(self.library), "locator": self.locator, "path": list(self.path)}


@dataclass(frozen=True)
class Lowered:
    """The results of lowering. Measures share them, so that common definitions are planned, and evaluated, once.

    - `defines`: plans by library and name of the define; `calls`: plans by function and operands;
    - `origins`: the plan of each ELM node of a define, by library and localId;
    - `places`: for each plan node the place of the first ELM node that it was made from;
    - `accumulators`: the numbers of accumulators; `numbers`: the numbers of expressions in functions.
    """

    builder: PlanBuilder = field(default_factory=PlanBuilder)
    defines: dict[tuple[LibraryIdentifier, str], PlanNode] = field(default_factory=dict)
    calls: dict[Hashable, PlanNode] = field(default_factory=dict)
    origins: dict[tuple[LibraryIdentifier, str], PlanNode] = field(default_factory=dict)
    places: dict[PlanNode, Place] = field(default_factory=dict)
    accumulators: Iterator[int] = field(default_factory=count)
    numbers: ExpressionNumbers = field(default_factory=ExpressionNumbers)


class Lowering:
    """Lowers the definitions of a set of resolved libraries, each once.

    `kernels(library, function)` is the name of the kernel that the engine has for a library function, if any.
    `warnings` are collected for the user.
    """

    def __init__(
        self,
        libraries: ResolvedLibraries,
        kernels: Callable[[str, str], str | None] = lambda *_: None,
        lowered: Lowered | None = None,
    ) -> None:
        self.libraries = libraries
        self.kernels = kernels
        self.lowered = lowered or Lowered()
        self.builder = self.lowered.builder
        self.warnings: list[str] = []
        self._under_way: list[tuple[LibraryIdentifier, str]] = []

    @property
    def origins(self) -> Mapping[tuple[LibraryIdentifier, str], PlanNode]:
        """The plan of each ELM node of a define, by library and localId."""
        return self.lowered.origins

    def define(self, library: IndexedLibrary, name: str) -> PlanNode:
        """The plan of an expression definition. Raises PlanError if there is none, or if it refers to itself."""
        key = (library.identifier, name)
        found = self.lowered.defines.get(key)
        if found is not None:
            return found
        if key in self._under_way:
            cycle = " → ".join(f'{part.name}."{define}"' for part, define in [*self._under_way, key])
            raise PlanError(f"a definition refers to itself: {cycle}")
        definition = library.expressions.get(name)
        if definition is None or definition.expression is None:
            raise PlanError(f'library {library.identifier} has no definition "{name}"')
        self._under_way.append(key)
        try:
            scope = Scope(library, (f'{library.identifier.name}."{name}"',), definition.context == "Unfiltered")
            node = self.lower(definition.expression, scope)
        except RecursionError:
            first, last = (f'{part.name}."{define}"' for part, define in (self._under_way[0], key))
            raise PlanError(f"definitions refer to one another too deeply, from {first} to {last}") from None
        finally:
            self._under_way.pop()
        self.lowered.defines[key] = node
        return node

    def lower(self, node: elm.Expression, scope: Scope) -> PlanNode:
        """The plan of an ELM expression. Raises PlanError if it cannot be planned."""
        # In a function, equal expressions are lowered once per call. Those of defines are all lowered, since
        # explanations show each of them.
        number = None if scope.lowered is None else self.lowered.numbers.of(node)
        if scope.lowered is not None and number is not None and number in scope.lowered:
            return scope.lowered[number]
        lowerer = lowerer_of(type(node))
        if lowerer is None:
            raise PlanError(f"{self.place(node, scope)}: ELM node {type(node).__name__} is not supported")
        plan = lowerer(self, node, scope)
        self.remember(node, scope, plan)
        if scope.lowered is not None and number is not None:
            scope.lowered[number] = plan
        return plan

    def remember(self, node: elm.Element, scope: Scope, plan: PlanNode) -> None:
        """Record the plan of an ELM node."""
        if node.localId is not None and scope.lowered is None:
            self.lowered.origins[scope.library.identifier, node.localId] = plan
        if node.locator is not None and plan not in self.lowered.places:
            self.lowered.places[plan] = Place(scope.library.identifier, scope.path, node.locator)

    def lower_optional(self, node: elm.Expression | None, scope: Scope) -> PlanNode:
        """As `lower`; the null constant for None."""
        return self.null() if node is None else self.lower(node, scope)

    def named(self, name: str, node: elm.Element, scope: Scope) -> PlanNode:
        """The plan of an alias or let that `node` refers to. Raises PlanError if there is none."""
        found = scope.names.get(name)
        if found is None:
            raise PlanError(f"{self.place(node, scope)}: there is no alias or let {name!r} here")
        return found

    def null(self) -> PlanNode:
        return self.constant(None, ANY)

    def constant(self, value: Any, type_: CqlType) -> PlanNode:
        return self.builder.make(Constant, value, type_)

    def place(self, node: elm.Element, scope: Scope) -> str:
        """The place of a node for messages: the define, the functions called on the way, and the locator."""
        where = " → ".join(scope.path)
        return f"{where} at {node.locator}" if node.locator else where

    def next_accumulator(self) -> int:
        """A new number for an accumulator."""
        return next(self.lowered.accumulators)
