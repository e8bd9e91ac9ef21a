"""The registry of operators: every operator of ELM under its name, each overload declared once.

    @operator("Overlaps", spec="elm:19.20")
    class Overlaps:
        \"\"\"Whether two intervals share a point.\"\"\"

        @overload("(Interval<T>, Interval<T>) -> Boolean", nulls=PROPAGATE)
        def intervals(a, b, *, precision=None): ...

Operands are positional; attributes of the ELM node (`precision`, …) are keyword-only parameters, and a
parameter `context` receives the evaluation request. A second `@operator` of the same name adds overloads
to the first. Kernels on columns are in `ecqm.operators.vectors`, under the name of the operator; a test compares
each with the overloads here.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar

from ecqm.operators.signature import Signature
from ecqm.types.core import CqlType
from ecqm.values.context import EvaluationContext, current_context, evaluating


class NullRule(Enum):
    """What becomes of null operands."""

    PROPAGATE = "any null operand makes the result null; the function never sees one"
    NONE = "the function sees None and decides"


PROPAGATE, NONE = NullRule.PROPAGATE, NullRule.NONE

Scalar = Callable[..., Any]


@dataclass(eq=False)
class Overload:
    """One overload: its signature and its semantics on scalars.

    `name` is the attribute of the declaring class, which may stand for several signatures; `attributes` are the
    keyword parameters it takes."""

    operator: str
    name: str
    signature: Signature
    function: Scalar
    nulls: NullRule
    may_raise: bool = False
    attributes: frozenset[str] = frozenset()
    takes_context: bool = False

    @property
    def operands(self) -> tuple[CqlType, ...]:
        """The declared operand types; the last one repeats when `variadic`."""
        return self.signature.operands

    @property
    def result(self) -> CqlType:
        """The declared result type, which may hold type variables."""
        return self.signature.result

    @property
    def variadic(self) -> bool:
        """Whether the last operand may be given any number of times."""
        return self.signature.variadic

    def scalar(self, *values: Any, context: EvaluationContext | None = None, **attributes: Any) -> Any:
        """Evaluate on scalar values, null rule applied, for the given request or else the current one."""
        if self.nulls is PROPAGATE and any(value is None for value in values):
            return None
        if context is not None:
            with evaluating(context):
                return self._invoke(values, attributes)
        return self._invoke(values, attributes)

    def _invoke(self, values: tuple[Any, ...], attributes: dict[str, Any]) -> Any:
        if self.takes_context:
            return self.function(*values, context=current_context(), **attributes)
        return self.function(*values, **attributes)

    def __str__(self) -> str:
        return f"{self.operator}{self.signature}"


@dataclass(eq=False)
class Operator:
    """An operator of CQL under its ELM name, with all its overloads in the order of their declaration."""

    name: str
    spec: str
    doc: str
    overloads: list[Overload] = field(default_factory=list)
    _resolved: dict[tuple[CqlType, ...], Overload | None] = field(default_factory=dict, repr=False)

    @property
    def propagates_null(self) -> bool:
        """Is the result null whenever an operand is, whatever the overload?"""
        return all(overload.nulls is PROPAGATE for overload in self.overloads)

    @property
    def may_raise(self) -> bool:
        """Does any overload raise an error for some operands?"""
        return any(overload.may_raise for overload in self.overloads)

    def resolve(self, types: Sequence[CqlType]) -> Overload | None:
        """The overload that operands of `types` fit best without conversion, the first declared of equals."""
        key = tuple(types)
        if key not in self._resolved:
            self._resolved[key] = self._best_fit(key)
        return self._resolved[key]

    def _best_fit(self, types: tuple[CqlType, ...]) -> Overload | None:
        best: tuple[int, Overload] | None = None
        for candidate in self.overloads:
            matched = candidate.signature.match(types)
            if matched is not None and (best is None or matched[0] < best[0]):
                best = matched[0], candidate
        return best[1] if best else None

    def add(self, added: Overload) -> None:
        """Add an overload. Raises ValueError if its signature is there already."""
        added.operator = self.name
        if any(present.signature == added.signature for present in self.overloads):
            raise ValueError(f"{added} is declared twice")
        self.overloads.append(added)
        self._resolved.clear()

    def overload(self, signature: str) -> Overload:
        """The overload with exactly this signature. Raises KeyError."""
        wanted = Signature.parse(signature)
        for candidate in self.overloads:
            if candidate.signature == wanted:
                return candidate
        raise KeyError(f"{self.name} has no overload {wanted}")

    def call(self, *values: Any, context: EvaluationContext | None = None, **attributes: Any) -> Any:
        """Evaluate on scalar values: the overload is chosen by their kinds, after implicit conversions.

        Raises CqlError where the language has no such overload."""
        from ecqm.operators.dispatch import choose

        chosen, converted = choose(self, values)
        return chosen.scalar(*converted, context=context, **attributes)


class Declaration:
    """What `@overload` makes of a function inside the class of an operator, until `@operator` collects it."""

    def __init__(self, function: Scalar, signatures: tuple[str, ...], nulls: NullRule, may_raise: bool) -> None:
        keywords = {
            name
            for name, parameter in inspect.signature(function).parameters.items()
            if parameter.kind is inspect.Parameter.KEYWORD_ONLY
        }
        self.overloads = [
            Overload(
                operator="",
                name=function.__name__,
                signature=Signature.parse(signature),
                function=function,
                nulls=nulls,
                attributes=frozenset(keywords - {"context"}),
                takes_context="context" in keywords,
                may_raise=may_raise,
            )
            for signature in signatures
        ]


def overload(*signatures: str, nulls: NullRule = PROPAGATE, may_raise: bool = False) -> Callable[[Scalar], Declaration]:
    """Declare the scalar semantics of one or more overloads.

    `may_raise`: some operands raise CqlError, so that the planner keeps a call from rows that do not ask for it. What
    arithmetic does at the ends of a type's range, with uncertain numbers or units of another kind, is not meant.
    """

    def declare(function: Scalar) -> Declaration:
        return Declaration(function, signatures, nulls, may_raise)

    return declare


_operators: dict[str, Operator] = {}
_Class = TypeVar("_Class", bound=type)


def operator(name: str, spec: str = "") -> Callable[[_Class], _Class]:
    """Class decorator: register the overloads declared in the class under the ELM name of the operator."""

    def register(declaring: _Class) -> _Class:
        known = _operators.setdefault(name, Operator(name, spec, inspect.cleandoc(declaring.__doc__ or "")))
        known.spec = known.spec or spec
        for attribute, declaration in vars(declaring).items():
            if isinstance(declaration, Declaration):
                for added in declaration.overloads:
                    added.name = attribute
                    known.add(added)
        return declaring

    return register


_loaded = False


def load() -> None:
    """Import every chapter of this package, so that all operators are registered."""
    global _loaded
    if not _loaded:
        _loaded = True
        package = importlib.import_module(__package__)
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{__package__}.{module.name}")


def get(name: str) -> Operator:
    """The operator with an ELM name. Raises KeyError."""
    load()
    return _operators[name]


def find(name: str) -> Operator | None:
    """The operator with an ELM name, None where there is none."""
    load()
    return _operators.get(name)


def operators() -> Iterator[Operator]:
    """All operators, by name."""
    load()
    return (_operators[name] for name in sorted(_operators))
