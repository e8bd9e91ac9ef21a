"""The registry of operators: every operator under its ELM name, with each of its overloads declared once.

    @operator("Overlaps", spec="elm:19.20")
    class Overlaps:
        \"\"\"Whether two intervals share a point.\"\"\"

        @overload("(Interval<T>, Interval<T>) -> Boolean", nulls=PROPAGATE)
        def intervals(a, b, *, precision=None): ...

Operands are positional. Attributes of the ELM node (`precision`, …) are keyword-only parameters, and a keyword-only
parameter `context` receives the evaluation request. A second `@operator` with the same name adds overloads to the
first. `ecqm.operators.vectors` registers kernels on columns under the same names; a test compares each kernel with the
overloads here.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar

from ecqm.operators.signature import OverloadSignature, substitute
from ecqm.types.core import ANY, CqlType
from ecqm.values.context import EvaluationContext, current_context, evaluating


class NullRule(Enum):
    """How an overload treats null operands."""

    PROPAGATE = "any null operand makes the result null; the function never sees one"
    NONE = "the function sees None and decides"


PROPAGATE, NONE = NullRule.PROPAGATE, NullRule.NONE

Scalar = Callable[..., Any]


@dataclass(eq=False)
class Overload:
    """One overload of an operator: its signature, and `function`, its meaning on scalars.

    `name` is the name of the attribute in the declaring class, shared by all signatures declared with it. `attributes`
    are the names of its keyword parameters, `context` excluded. For `may_raise` see `overload`."""

    operator: str
    name: str
    signature: OverloadSignature
    function: Scalar
    nulls: NullRule
    may_raise: bool = False
    attributes: frozenset[str] = frozenset()
    takes_context: bool = False

    @property
    def operands(self) -> tuple[CqlType, ...]:
        """The declared operand types; if `variadic`, the last one may be repeated."""
        return self.signature.operands

    @property
    def result(self) -> CqlType:
        """The declared result type, which may contain type variables."""
        return self.signature.result

    @property
    def variadic(self) -> bool:
        """Whether the last operand may be given any number of times, or not at all."""
        return self.signature.variadic

    def scalar(self, *values: Any, context: EvaluationContext | None = None, **attributes: Any) -> Any:
        """Apply the null rule and evaluate on scalars, for the request `context` or else the current one.
        Raises CqlError for a run-time error."""
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
    """An operator with its overloads in the order of declaration; `spec` names its section of the ELM specification."""

    name: str
    spec: str
    doc: str
    overloads: list[Overload] = field(default_factory=list)
    _resolved: dict[tuple[tuple[CqlType, ...], frozenset[str]], Overload | None] = field(
        default_factory=dict, repr=False
    )
    _results: dict[tuple[CqlType, ...], CqlType] = field(default_factory=dict, repr=False)

    @property
    def propagates_null(self) -> bool:
        """Whether every overload is null if an operand is."""
        return all(overload.nulls is PROPAGATE for overload in self.overloads)

    @property
    def may_raise(self) -> bool:
        """Whether any overload raises an error for some operands."""
        return any(overload.may_raise for overload in self.overloads)

    def resolve(self, types: Sequence[CqlType], attributes: Collection[str] = ()) -> Overload | None:
        """The overload with these attributes that fits operands of these types best without conversions, the first
        declared among equals; None if none fits."""
        key = tuple(types), frozenset(attributes)
        if key not in self._resolved:
            self._resolved[key] = self._best_fit(*key)
        return self._resolved[key]

    def result_type(self, types: Sequence[CqlType]) -> CqlType:
        """The type of the result for operands of these types, `Any` as far as they leave it open."""
        key = tuple(types)
        if key not in self._results:
            found = self.resolve(key)
            matched = None if found is None else found.signature.match(key)
            self._results[key] = ANY if found is None or matched is None else substitute(found.result, matched[1])
        return self._results[key]

    def _best_fit(self, types: tuple[CqlType, ...], attributes: frozenset[str]) -> Overload | None:
        best: tuple[int, Overload] | None = None
        for candidate in self.overloads:
            matched = candidate.signature.match(types) if attributes <= candidate.attributes else None
            if matched is not None and (best is None or matched[0] < best[0]):
                best = matched[0], candidate
        return best[1] if best else None

    def add(self, added: Overload) -> None:
        """Add an overload. Raises ValueError if one with the same signature exists."""
        added.operator = self.name
        if any(present.signature == added.signature for present in self.overloads):
            raise ValueError(f"{added} is declared twice")
        self.overloads.append(added)
        self._resolved.clear()
        self._results.clear()

    def overload(self, signature: str) -> Overload:
        """The overload with exactly this signature. Raises KeyError."""
        wanted = OverloadSignature.parse(signature)
        for candidate in self.overloads:
            if candidate.signature == wanted:
                return candidate
        raise KeyError(f"{self.name} has no overload {wanted}")

    def call(self, *values: Any, context: EvaluationContext | None = None, **attributes: Any) -> Any:
        """Evaluate on scalars with the overload that fits their run-time types, after implicit conversions if needed.
        Raises CqlError if there is none, or for a run-time error."""
        from ecqm.operators.dispatch import choose

        chosen, converted = choose(self, values, attributes)
        return chosen.scalar(*converted, context=context, **attributes)


class Declaration:
    """The result of `@overload` inside the class of an operator, until `@operator` collects its overloads."""

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
                signature=OverloadSignature.parse(signature),
                function=function,
                nulls=nulls,
                attributes=frozenset(keywords - {"context"}),
                takes_context="context" in keywords,
                may_raise=may_raise,
            )
            for signature in signatures
        ]


def overload(*signatures: str, nulls: NullRule = PROPAGATE, may_raise: bool = False) -> Callable[[Scalar], Declaration]:
    """Declare a function as the scalar meaning of one or more signatures.

    `may_raise`: the function raises CqlError for ordinary operands, so the planner must not evaluate a call for rows
    that do not need it. Errors for uncertain numbers and the like, which data hardly ever cause, do not count.
    """

    def declare(function: Scalar) -> Declaration:
        return Declaration(function, signatures, nulls, may_raise)

    return declare


_operators: dict[str, Operator] = {}
_Class = TypeVar("_Class", bound=type)


def operator(name: str, spec: str = "") -> Callable[[_Class], _Class]:
    """Class decorator: register the overloads of a class under an ELM name; `spec` is a section such as `elm:19.20`."""

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
    """Import all modules of this package, which registers their operators."""
    global _loaded
    if not _loaded:
        _loaded = True
        package = importlib.import_module(__package__)
        found = (module.name for module in pkgutil.iter_modules(package.__path__))
        # Lists first: an untyped null fits `Union` of lists and of intervals equally well, and is taken for a list.
        for name in ("list", *found):
            importlib.import_module(f"{__package__}.{name}")


def get(name: str) -> Operator:
    """The operator with an ELM name. Raises KeyError if there is none."""
    load()
    return _operators[name]


def find(name: str) -> Operator | None:
    """The operator with an ELM name; None if there is none."""
    load()
    return _operators.get(name)


def operators() -> Iterator[Operator]:
    """All operators, ordered by name."""
    load()
    return (_operators[name] for name in sorted(_operators))
