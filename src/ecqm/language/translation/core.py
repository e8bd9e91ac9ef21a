"""The state of a translation, the steps that all its parts use, and the registry of functions that translate parse
trees."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

from ecqm.elm import nodes
from ecqm.language.common_types import common_type
from ecqm.language.conversions import Conversion, Kind
from ecqm.language.diagnostics import CqlError, Diagnostic, Diagnostics, definition_of, nearest, source_of, span_of
from ecqm.language.mismatches import mismatch
from ecqm.language.model_context import ModelContext
from ecqm.language.options import CompilerOptions, SignatureLevel
from ecqm.language.overloads import AmbiguousCall, Resolution, resolve
from ecqm.language.signatures import Signature
from ecqm.language.symbols import Scope
from ecqm.language.system_operators import system_signatures
from ecqm.language.translation.assembly import assembled
from ecqm.language.translation.library_names import LibraryNames
from ecqm.language.translation.narrative import narrative
from ecqm.types import ANY, BOOLEAN, ChoiceType, CqlType, IntervalType, ListType, NamedType

Context = Any
DEEPEST_EXPRESSION = 600
_MOST_RETRANSLATIONS = 8


class Typed(NamedTuple):
    """An expression and its type."""

    node: nodes.Expression
    type: CqlType


def word(context: Context, index: int) -> str:
    """The text of a child of a parse-tree context: usually a keyword or the symbol of an operator."""
    return str(context.getChild(index).getText())


Translation = Callable[["Translator", Context], Typed]
TRANSLATIONS: dict[str, Translation] = {}
_T = TypeVar("_T", bound=Translation)


def translates(*rules: str) -> Callable[[_T], _T]:
    """Register the function (translator, context) -> typed node for contexts of these alternatives of the grammar."""

    def register(translation: _T) -> _T:
        for rule in rules:
            TRANSLATIONS[f"{rule}Context"] = translation
        return translation

    return register


class Translator:
    """The state of the translation of one library, whose declarations and includes are `library`."""

    def __init__(
        self, models: ModelContext, options: CompilerOptions, diagnostics: Diagnostics, library: LibraryNames
    ) -> None:
        self.library = library
        self.models = models
        self.options = options
        self.diagnostics = diagnostics
        self.scopes: list[Scope] = []
        self._depth = 0
        self._next_local_id = 1
        # Alternatives of elements whose mapping depends on the type, by the id of the Case, which is therefore kept.
        self.type_cases: dict[int, dict[CqlType, Typed]] = {}
        self.kept_cases: list[nodes.Case] = []
        self.local_ids = options.annotations or options.locators or options.result_types
        self._ids_of_contexts: dict[int, str] = {}
        self._retranslations = 0

    # ------------------------------------------------------------------------------------------ walking

    def translate(self, context: Context) -> Typed:
        """The ELM of an expression or term, with locator and result type as the options ask. Raises CqlError."""
        translation = TRANSLATIONS.get(type(context).__name__)
        if translation is None:
            raise CqlError("incomplete expression", context)
        if self._depth == DEEPEST_EXPRESSION:
            raise CqlError(f"the expression is nested more than {DEEPEST_EXPRESSION} levels deep", context)
        self._depth += 1
        try:
            typed = translation(self, context)
        except CqlError as error:
            if error.context is None:
                error.context = context
            raise
        finally:
            self._depth -= 1
        self.locate(typed.node, context)
        return self.record_type(typed)

    def locate(self, node: nodes.Element, context: Context) -> None:
        """Set the local id and the locator of a node made from `context`."""
        if self.local_ids and node.localId is None:
            node.localId = str(self._next_local_id)
            self._next_local_id += 1
            if self.options.locators:
                node.locator = str(span_of(context))
        if self.options.annotations and node.localId is not None:
            self._ids_of_contexts.setdefault(id(context), node.localId)

    def annotate(self, element: nodes.Element, context: Context) -> None:
        """Attach the narrative of a definition if the options ask for annotations."""
        if self.options.annotations:
            element.annotation = [narrative(context, self._ids_of_contexts)]

    def record_type(self, typed: Typed) -> Typed:
        """Set the result type of a node if the options ask for result types."""
        if self.options.result_types:
            self.set_result_type(typed.node, typed.type)
        return typed

    def set_result_type(self, node: nodes.Element, type_: CqlType) -> None:
        """Set the result type of a node: a name for named types, a specifier for others."""
        if node.resultTypeName is not None or node.resultTypeSpecifier is not None:
            return
        if isinstance(type_, NamedType):
            node.resultTypeName = self.models.qname(type_)
        else:
            node.resultTypeSpecifier = self.models.specifier(type_)

    @contextmanager
    def scope(self, scope: Scope) -> Iterator[Scope]:
        """Make the names of `scope` known in the `with` block."""
        self.scopes.append(scope)
        try:
            yield scope
        finally:
            self.scopes.pop()

    @contextmanager
    def alone(self, scopes: list[Scope]) -> Iterator[None]:
        """Translate a definition in the `with` block, independently of the expression that refers to it."""
        saved = self.scopes, self._depth
        self.scopes, self._depth = scopes, 0
        try:
            yield
        finally:
            self.scopes, self._depth = saved

    @contextmanager
    def retranslating(self, context: Context) -> Iterator[None]:
        """A block that translates an expression several times. Nesting is limited, because it multiplies the work."""
        if self._retranslations == _MOST_RETRANSLATIONS:
            raise CqlError(f"aggregates are nested more than {_MOST_RETRANSLATIONS} levels deep", context)
        self._retranslations += 1
        try:
            yield
        finally:
            self._retranslations -= 1

    def report(self, error: CqlError, severity: str = "error") -> None:
        """Add an error or warning to the diagnostics."""
        context = error.context
        self.diagnostics.add(
            Diagnostic(
                error.message,
                span_of(context),
                severity,
                text=source_of(context),
                expected=error.expected,
                suggestion=error.suggestion,
                definition=definition_of(context),
            )
        )

    # ------------------------------------------------------------------------------------------ operators

    def operator(self, name: str, operands: Sequence[Typed], context: Context, **attributes: Any) -> Typed:
        """A call of the operator `name`, with the overload chosen and operands converted. Raises CqlError."""
        resolution = self.try_resolve(system_signatures()[name], operands, name, context)
        if resolution is None:
            raise self.no_overload(name, operands, context)
        return self.build_call(name, operands, resolution, **attributes)

    def try_resolve(
        self, signatures: Iterable[Signature], operands: Sequence[Typed], name: str, context: Context
    ) -> Resolution | None:
        """The overload that fits the operands; None if none does. Raises CqlError if several fit equally well."""
        try:
            return resolve(signatures, [operand.type for operand in operands], self.models.conversions)
        except AmbiguousCall as ambiguous:
            candidates = " and ".join(map(str, ambiguous.signatures))
            raise CqlError(f"the call of {name} is ambiguous: it fits {candidates}; cast an operand", context) from None

    def no_overload(self, name: str, operands: Sequence[Typed], context: Context) -> CqlError:
        """The error for operands that no overload of `name` accepts."""
        source = "" if context is None else source_of(context)
        message, expected = mismatch(name, [operand.type for operand in operands], source)
        return CqlError(message, context, expected=expected)

    def build_call(self, name: str, operands: Sequence[Typed], resolution: Resolution, **attributes: Any) -> Typed:
        """The node of a resolved operator."""
        converted = self.converted(operands, resolution)
        node = assembled(name, [operand.node for operand in converted], **attributes)
        if isinstance(node, nodes.OperatorExpression):
            node.signature = self.call_signature(operands, resolution)
        return self.record_type(Typed(node, resolution.signature.result))

    def converted(self, operands: Sequence[Typed], resolution: Resolution) -> list[Typed]:
        """The operands, each converted to the operand type of the chosen overload."""
        return [
            operand if conversion is None else self.convert(operand, conversion)
            for operand, conversion in zip(operands, resolution.conversions, strict=True)
        ]

    def call_signature(self, operands: Sequence[Typed], resolution: Resolution) -> list[nodes.TypeSpecifier]:
        """The signature to record for a call, according to the signature level of the options."""
        level = self.options.signatures
        wanted = resolution.signature.operands
        recorded = (
            level is SignatureLevel.ALL
            or (level is SignatureLevel.OVERLOADS and resolution.has_overloads)
            or (level is SignatureLevel.DIFFERING and wanted != tuple(operand.type for operand in operands))
        )
        return [self.models.specifier(type_) for type_ in wanted] if recorded else []

    # ------------------------------------------------------------------------------------------ conversion

    def convert(self, value: Typed, conversion: Conversion) -> Typed:
        """The ELM that converts `value` (Translation Semantics, Implicit Conversions)."""
        match conversion.kind:
            case Kind.CAST:
                return self.cast(value, conversion.to)
            case Kind.OPERATOR:
                assert conversion.operator is not None
                return self.conversion_call(value, conversion.operator, conversion.to)
            case Kind.FROM_CHOICE:
                return self._convert_choice(value, conversion)
            case Kind.TO_CHOICE:
                assert conversion.inner is not None
                return self.convert(self.cast(value, conversion.inner.from_), conversion.inner)
            case Kind.ELEMENTS:
                return self._convert_elements(value, conversion)
            case Kind.POINTS:
                return self._convert_points(value, conversion)
            case _:
                return self._promote(value, conversion)

    def cast(self, value: Typed, to: CqlType) -> Typed:
        """`value` as another type; null if it has a different one. In `type_cases`, the mapped alternative."""
        chosen = self.type_cases.get(id(value.node), {}).get(to)
        if chosen is not None:
            return chosen
        if isinstance(to, NamedType):
            node = nodes.As(operand=value.node, asType=self.models.qname(to))
        else:
            node = nodes.As(operand=value.node, asTypeSpecifier=self.models.specifier(to))
        return self.record_type(Typed(node, to))

    def conversion_call(self, value: Typed, operator: tuple[str, str], to: CqlType) -> Typed:
        """The call of a conversion: an operator of the language, or a function of a library."""
        library, name = operator
        if library == "System":
            return self.record_type(Typed(assembled(name, [value.node]), to))
        return self.library_conversion(value, library, name, to)

    def library_conversion(self, value: Typed, library: str, name: str, to: CqlType) -> Typed:
        """The call of a conversion function that a model names."""
        overloads = self.library.functions_of(library, name)
        signatures = [overload.signature(overload.result or to) for overload in overloads]
        resolution = self.try_resolve(signatures, [value], name, None)
        node = nodes.FunctionRef(
            name=name,
            libraryName=self.library.alias_of(library),
            operand=[value.node],
            signature=[] if resolution is None else self.call_signature([value], resolution),
        )
        return self.record_type(Typed(node, to))

    def _convert_choice(self, value: Typed, conversion: Conversion) -> Typed:
        inner = conversion.inner
        assert inner is not None

        def converted(part: Conversion) -> Typed:
            alternative = self.cast(value, part.from_)
            is_done = part.kind is Kind.CAST and not isinstance(part.to, ChoiceType)
            return alternative if is_done else self.convert(alternative, part)

        first = converted(inner)
        if not conversion.alternatives:
            return first
        items = [
            nodes.CaseItem(when=self.is_of(value, part.from_).node, then=converted(part).node)
            for part in (inner, *conversion.alternatives)
        ]
        null = self.record_type(Typed(nodes.Null(), conversion.to))
        return self.record_type(Typed(nodes.Case(caseItem=items, else_=null.node), conversion.to))

    def is_of(self, value: Typed, type_: CqlType) -> Typed:
        """The test whether `value` is of a type."""
        if isinstance(type_, NamedType):
            return self.record_type(Typed(nodes.Is(operand=value.node, isType=self.models.qname(type_)), BOOLEAN))
        node = nodes.Is(operand=value.node, isTypeSpecifier=self.models.specifier(type_))
        return self.record_type(Typed(node, BOOLEAN))

    def _convert_elements(self, value: Typed, conversion: Conversion) -> Typed:
        assert conversion.inner is not None and isinstance(conversion.to, ListType)
        element = Typed(nodes.AliasRef(name="X"), conversion.inner.from_)
        query = nodes.Query(
            source=[nodes.AliasedQuerySource(alias="X", expression=value.node)],
            return_=nodes.ReturnClause(distinct=False, expression=self.convert(element, conversion.inner).node),
        )
        return self.record_type(Typed(query, conversion.to))

    def _convert_points(self, value: Typed, conversion: Conversion) -> Typed:
        inner = conversion.inner
        assert inner is not None

        def bound(path: str) -> nodes.Property:
            return nodes.Property(path=path, source=value.node)

        interval = nodes.Interval(
            low=self.convert(Typed(bound("low"), inner.from_), inner).node,
            lowClosedExpression=bound("lowClosed"),
            high=self.convert(Typed(bound("high"), inner.from_), inner).node,
            highClosedExpression=bound("highClosed"),
        )
        return self.record_type(Typed(interval, conversion.to))

    def _promote(self, value: Typed, conversion: Conversion) -> Typed:
        inner = conversion.inner
        if conversion.kind is Kind.LIST_DEMOTION:
            assert isinstance(conversion.from_, ListType)
            value = Typed(nodes.SingletonFrom(operand=value.node), conversion.from_.element)
        elif conversion.kind is Kind.INTERVAL_DEMOTION:
            assert isinstance(conversion.from_, IntervalType)
            value = Typed(nodes.PointFrom(operand=value.node), conversion.from_.point)
        if inner is not None:
            value = self.convert(value, inner)
        if conversion.kind is Kind.LIST_PROMOTION:
            value = Typed(nodes.ToList(operand=value.node), conversion.to)
        elif conversion.kind is Kind.INTERVAL_PROMOTION:
            value = self._interval_of(value, conversion.to)
        return self.record_type(value)

    def _interval_of(self, point: Typed, to: CqlType) -> Typed:
        """The interval of one point. That of a null is null, and not the interval without bounds."""
        null = self.cast(self.record_type(Typed(nodes.Null(), ANY)), to)
        interval = self.record_type(Typed(nodes.Interval(low=point.node, high=point.node), to))
        test = self.record_type(Typed(nodes.IsNull(operand=point.node), BOOLEAN))
        return Typed(nodes.If(condition=test.node, then=null.node, else_=interval.node), to)

    def to_type(self, value: Typed, type_: CqlType, context: Context) -> Typed:
        """`value` as a value of `type_`, converted implicitly if necessary. Raises CqlError if that is impossible."""
        if self.models.relations.is_subtype(value.type, type_):
            return value
        conversion = self.models.conversions.find(value.type, type_)
        if conversion is None:
            raise CqlError(f"expected a value of type {type_}, found {value.type}", context)
        return self.convert(value, conversion)

    def boolean(self, context: Context) -> Typed:
        """The translation of a condition: an expression that is, or converts to, a Boolean."""
        return self.to_type(self.translate(context), BOOLEAN, context)

    def unified(self, values: Sequence[Typed], contexts: Sequence[Context]) -> tuple[list[Typed], CqlType]:
        """The values converted to their common type, and that type."""
        type_ = common_type([value.type for value in values], self.models)
        return [self.to_type(v, type_, c) for v, c in zip(values, contexts, strict=True)], type_


def unknown_name(
    name: str, known: Iterable[str], kind: str, context: Context, *, within: str | None = None
) -> CqlError:
    """The error for an undefined name; `kind` says what it should be, `within` the library or type to define it."""
    place = "" if within is None else f" in {within}"
    return CqlError(f"unknown {kind} {name!r}{place}", context, suggestion=nearest(name, known))
