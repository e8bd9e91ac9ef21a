"""The state of a translation, and the steps that all its parts use: walking parse trees, calls of operators, and
conversions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from ecqm.elm import nodes
from ecqm.language.common_types import common_type
from ecqm.language.conversions import Conversion
from ecqm.language.diagnostics import Diagnostic, Diagnostics, TranslationError, nearest
from ecqm.language.mismatches import mismatch
from ecqm.language.model_context import ModelContext
from ecqm.language.options import CompilerOptions, SignatureLevel
from ecqm.language.overloads import AmbiguousCall, Resolution, resolve
from ecqm.language.parse_trees import Context, definition_of, rule_of, source_of, span_of
from ecqm.language.signatures import Signature
from ecqm.language.symbols import Scope
from ecqm.language.system_operators import system_signatures
from ecqm.language.translation.assembly import assembled
from ecqm.language.translation.implicit_conversions import convert
from ecqm.language.translation.library_names import LibraryNames
from ecqm.language.translation.narrative import narrative
from ecqm.language.translation.registry import TRANSLATIONS, Typed
from ecqm.types import ANY, BOOLEAN, CqlType, NamedType

_Element = TypeVar("_Element", bound=nodes.Element)

DEEPEST_EXPRESSION = 600
_MOST_RETRANSLATIONS = 8


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
        self._type_cases: dict[int, tuple[nodes.Case, Mapping[CqlType, Typed]]] = {}
        self._needs_local_ids = options.annotations or options.locators or options.result_types
        self._ids_of_contexts: dict[int, str] = {}
        self._retranslations = 0

    # ------------------------------------------------------------------------------------------ walking

    def translate(self, context: Context) -> Typed:
        """The ELM of an expression or term, with the locator and result type that the options ask for. Raises
        TranslationError."""
        translation = TRANSLATIONS.get(rule_of(context))
        if translation is None:
            raise TranslationError("incomplete expression", context)
        if self._depth == DEEPEST_EXPRESSION:
            raise TranslationError(f"the expression is nested more than {DEEPEST_EXPRESSION} levels deep", context)
        self._depth += 1
        try:
            typed = translation(self, context)
        except TranslationError as error:
            if error.context is None:
                error.context = context
            raise
        finally:
            self._depth -= 1
        self.described(typed.node, context, typed.type)
        return typed

    def locate(self, node: nodes.Element, context: Context) -> None:
        """Set the local id and the locator of a node made from `context`."""
        if self._needs_local_ids and node.localId is None:
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

    def typed(self, node: nodes.Expression, type_: CqlType) -> Typed:
        """An expression with its type, which is also its result type if the options ask for result types."""
        self.record_type(node, type_)
        return Typed(node, type_)

    def described(self, element: _Element, context: Context, type_: CqlType) -> _Element:
        """An element made from `context`, with what the options ask for: its local id, locator, and result type."""
        self.locate(element, context)
        self.record_type(element, type_)
        return element

    def record_type(self, node: nodes.Element, type_: CqlType) -> None:
        """Set the result type of a node, unless it has one: a name for named types, a specifier for others."""
        if not self.options.result_types or node.resultTypeName is not None or node.resultTypeSpecifier is not None:
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
            raise TranslationError(f"aggregates are nested more than {_MOST_RETRANSLATIONS} levels deep", context)
        self._retranslations += 1
        try:
            yield
        finally:
            self._retranslations -= 1

    def report(self, error: TranslationError, severity: str = "error") -> None:
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
        """A call of the operator `name`, with the overload chosen and operands converted. Raises TranslationError."""
        resolution = self.try_resolve(system_signatures()[name], operands, name, context)
        if resolution is None:
            raise self.no_overload(name, operands, context)
        return self.build_call(name, operands, resolution, **attributes)

    def try_resolve(
        self, signatures: Iterable[Signature], operands: Sequence[Typed], name: str, context: Context
    ) -> Resolution | None:
        """The overload that fits the operands; None if none does. Raises TranslationError if several fit equally
        well."""
        try:
            return resolve(signatures, [operand.type for operand in operands], self.models.conversions)
        except AmbiguousCall as ambiguous:
            candidates = " and ".join(map(str, ambiguous.signatures))
            raise TranslationError(
                f"the call of {name} is ambiguous: it fits {candidates}; cast an operand", context
            ) from None

    def no_overload(self, name: str, operands: Sequence[Typed], context: Context) -> TranslationError:
        """The error for operands that no overload of `name` accepts."""
        source = "" if context is None else source_of(context)
        message, expected = mismatch(name, [operand.type for operand in operands], source)
        return TranslationError(message, context, expected=expected)

    def build_call(self, name: str, operands: Sequence[Typed], resolution: Resolution, **attributes: Any) -> Typed:
        """The node of a resolved operator."""
        converted = self.converted(operands, resolution)
        node = assembled(name, [operand.node for operand in converted], **attributes)
        if isinstance(node, nodes.OperatorExpression):
            node.signature = self.call_signature(operands, resolution)
        return self.typed(node, resolution.signature.result)

    def converted(self, operands: Sequence[Typed], resolution: Resolution) -> list[Typed]:
        """The operands, each converted to the operand type of the chosen overload."""
        return list(map(self.convert, operands, resolution.conversions))

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

    def convert(self, value: Typed, conversion: Conversion | None) -> Typed:
        """The ELM that converts `value`; for None, `value` itself."""
        return convert(self, value, conversion)

    def cast(self, value: Typed, to: CqlType) -> Typed:
        """`value` as another type; null if it has a different one."""
        _, alternatives = self._type_cases.get(id(value.node), (None, {}))
        if to in alternatives:
            return alternatives[to]
        if isinstance(to, NamedType):
            node = nodes.As(operand=value.node, asType=self.models.qname(to))
        else:
            node = nodes.As(operand=value.node, asTypeSpecifier=self.models.specifier(to))
        return self.typed(node, to)

    def case_by_type(self, case: nodes.Case, type_: CqlType, alternatives: Mapping[CqlType, Typed]) -> Typed:
        """A Case with one of the `alternatives` for each type that a value may have. Its cast to one of these types is
        that alternative alone."""
        # The Case is kept, so that no other node gets its id.
        self._type_cases[id(case)] = case, alternatives
        return self.typed(case, type_)

    def literal(self, type_: NamedType, value: str) -> Typed:
        """A literal of a simple type of System."""
        return self.typed(nodes.Literal(valueType=self.models.qname(type_), value=value), type_)

    def null(self, type_: CqlType) -> Typed:
        """A null of a type."""
        return self.cast(self.typed(nodes.Null(), ANY), type_)

    def is_of(self, value: Typed, type_: CqlType) -> Typed:
        """The test whether `value` is of a type."""
        if isinstance(type_, NamedType):
            return self.typed(nodes.Is(operand=value.node, isType=self.models.qname(type_)), BOOLEAN)
        node = nodes.Is(operand=value.node, isTypeSpecifier=self.models.specifier(type_))
        return self.typed(node, BOOLEAN)

    def conversion_call(self, value: Typed, operator: tuple[str, str], to: CqlType) -> Typed:
        """The call of a conversion: an operator of the language, or a function of a library."""
        library, name = operator
        if library == "System":
            return self.typed(assembled(name, [value.node]), to)
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
        return self.typed(node, to)

    def to_type(self, value: Typed, type_: CqlType, context: Context) -> Typed:
        """`value` as a value of `type_`, converted implicitly if necessary. Raises TranslationError if that is not
        possible."""
        if self.models.relations.is_subtype(value.type, type_):
            return value
        conversion = self.models.conversions.find(value.type, type_)
        if conversion is None:
            raise TranslationError(f"expected a value of type {type_}, found {value.type}", context)
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
) -> TranslationError:
    """The error for an undefined name; `kind` says what it should be, `within` the library or type to define it."""
    place = "" if within is None else f" in {within}"
    return TranslationError(f"unknown {kind} {name!r}{place}", context, suggestion=nearest(name, known))
