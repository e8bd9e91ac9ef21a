"""Names, and elements of values (Author's Guide, Identifier Resolution; Path Traversal)."""

from __future__ import annotations

from typing import Any

from ecqm.elm import nodes
from ecqm.language.diagnostics import CqlError, nearest
from ecqm.language.literals import unescape
from ecqm.language.parsing import KEYWORDS
from ecqm.language.symbols import Declared, Exports, Symbol
from ecqm.language.translation.core import Context, Typed
from ecqm.language.translation.targets import TargetTranslator
from ecqm.types import (
    ANY,
    BOOLEAN,
    INTEGER,
    ChoiceType,
    CqlType,
    IntervalType,
    ListType,
    NamedType,
    TupleType,
    choice_of,
)

_INTERVAL_ELEMENTS = ("low", "high", "lowClosed", "highClosed")


def name_of(context: Context) -> str:
    """The name in an identifier, without quotes and with escapes replaced."""
    text = str(context.getText())
    return unescape(text) if text.startswith(('"', "`")) else text


def parts_of(context: Context) -> list[str]:
    """The names of a qualified identifier."""
    return [name_of(context.referentialIdentifier()), *map(name_of, context.anyName())]


class DependsOnBroken(CqlError):
    """A reference to a definition with errors, which are reported where it is defined."""


class NameTranslator(TargetTranslator):
    """Translates names and dotted paths."""

    includes: dict[str, Exports]
    not_included: dict[str, str]
    """By alias the names of libraries whose include failed: what needs these is not reported once more."""

    # ------------------------------------------------------------------------------------------ names

    def visit_NameTerm(self, context: Context) -> Typed:
        name = name_of(context.referentialIdentifier())
        if context.getChildCount() > 1:
            return self.call_by_name(name, self.arguments(context), context)
        found = self.lookup(name, context)
        if found is not None:
            return found
        if name in self.includes:
            raise CqlError(f"{name!r} is a library, not a value", context)
        if name in self.not_included:
            raise DependsOnBroken(f"library {name} is not included", context)
        known = [*(n for scope in self.scopes for n in scope.names()), *self.own_names(), *self.includes]
        error = self.unknown_name(name, known, "name", context)
        error.suggestion = error.suggestion or nearest(name, KEYWORDS, cutoff=0.8)
        raise error

    def arguments(self, context: Context) -> list[Context]:
        """The argument contexts of a call."""
        given = context.arguments()
        return [] if given is None else list(given.expression())

    def lookup(self, name: str, context: Context) -> Typed | None:
        """The value of a simple name: the innermost alias, let or operand with that name, otherwise a declaration."""
        for scope in reversed(self.scopes):
            if scope.row is not None:
                found = self._row_element(name, scope.row, context)
                if found is not None:
                    return found
            if name in scope.aliases:
                return Typed(nodes.AliasRef(name=name), scope.aliases[name])
            if name in scope.lets:
                return Typed(nodes.QueryLetRef(name=name), scope.lets[name])
            if name in scope.operands:
                return Typed(nodes.OperandRef(name=name), scope.operands[name])
            this = scope.aliases.get("$this")
            # In the arguments of where, select and similar functions, a simple name may be an element of $this.
            if this is not None and self.element_of(this, name) is not None:
                return self.member(Typed(nodes.AliasRef(name="$this"), this), name, context)
        symbol = self.own_symbol(name, context)
        return None if symbol is None else self.reference(symbol, None)

    def _row_element(self, name: str, row: CqlType, context: Context) -> Typed | None:
        described = self.element_of(row, name)
        if described is None:
            return None
        type_, target = described
        element = Typed(nodes.IdentifierRef(name=name), type_)
        return self.through_target(element, target, Typed(nodes.IdentifierRef(name="$this"), row), context)

    def visit_ContextTerm(self, context: Context) -> Typed:
        name = str(context.getText())
        for scope in reversed(self.scopes):
            if name == "$this" and scope.row is not None:
                return Typed(nodes.IdentifierRef(name=name), scope.row)
            if name == "$index" and "$this" in scope.aliases:
                return Typed(nodes.Iteration(scope="$this"), INTEGER)
            if name in scope.aliases:
                return Typed(nodes.AliasRef(name=name), scope.aliases[name])
            if name in scope.lets:
                return Typed(nodes.QueryLetRef(name=name), scope.lets[name])
        raise CqlError(f"{name} is not available here", context)

    def visit_ExternalConstantTerm(self, context: Context) -> Typed:
        inner = context.referentialIdentifier()
        name = name_of(inner) if inner is not None else unescape(context.STRING().getText())
        symbol = self.own_symbol(name, context)
        if symbol is None or symbol.kind is not Declared.PARAMETER:
            raise self.unknown_name(name, self.own_names(), "parameter", context)
        return self.reference(symbol, None)

    def reference(self, symbol: Symbol, library: str | None) -> Typed:
        """A reference to a declaration of this library, or of the included library with alias `library`."""
        attributes: dict[str, Any] = {"name": symbol.name, "libraryName": library}
        node: nodes.Expression
        if symbol.kind is Declared.EXPRESSION:
            node = nodes.ExpressionRef(**attributes)
        elif symbol.kind is Declared.PARAMETER:
            node = nodes.ParameterRef(**attributes)
        elif symbol.kind is Declared.VALUE_SET:
            node = nodes.ValueSetRef(**attributes, preserve=True)
        elif symbol.kind is Declared.CODE_SYSTEM:
            node = nodes.CodeSystemRef(**attributes)
        elif symbol.kind is Declared.CODE:
            node = nodes.CodeRef(**attributes)
        else:
            node = nodes.ConceptRef(**attributes)
        return Typed(node, symbol.type)

    def library_of(self, context: Context) -> str | None:
        """The alias of the included library that a term names; None if it names none, or an inner name hides it."""
        if type(context).__name__ != "NameTermContext" or context.getChildCount() > 1:
            return None
        name = name_of(context.referentialIdentifier())
        if name not in self.includes or any(name in scope.names() for scope in self.scopes):
            return None
        return name

    def library_member(self, library: str, name: str, context: Context) -> Typed:
        """The declaration `name` of an included library."""
        exports = self.includes[library]
        symbol = exports.symbols.get(name)
        if symbol is None:
            raise self.unknown_name(name, exports.symbols, "name", context, within=library)
        if not symbol.public:
            raise CqlError(f"{name!r} is private to {library}", context)
        return self.reference(symbol, library)

    def own_symbol(self, name: str, context: Context) -> Symbol | None:
        """The declaration `name` of this library, translated first if necessary."""
        raise NotImplementedError

    def own_names(self) -> list[str]:
        """The names that this library declares."""
        raise NotImplementedError

    def call_by_name(self, name: str, arguments: list[Context], context: Context) -> Typed:
        raise NotImplementedError

    def call_method(self, source: Context, name: str, arguments: list[Context], context: Context) -> Typed:
        raise NotImplementedError

    def system_function(self, name: str, arguments: list[Context], context: Context) -> Typed:
        raise NotImplementedError

    def call_in_library(self, library: str, name: str, arguments: list[Context], context: Context) -> Typed:
        raise NotImplementedError

    # ------------------------------------------------------------------------------------------ members

    def visit_MemberTerm(self, context: Context) -> Typed:
        source, name = context.term(), name_of(context.anyName())
        is_call = context.getChildCount() > 3
        library = self.library_of(source)
        if library is not None:
            if is_call:
                return self.call_in_library(library, name, self.arguments(context), context)
            return self.library_member(library, name, context)
        if is_call and source.getText() == "System" and self.lookup("System", source) is None:
            return self.system_function(name, self.arguments(context), context)
        if is_call:
            return self.call_method(source, name, self.arguments(context), context)
        return self.member(self.translate(source), name, context)

    def element_of(self, type_: CqlType, name: str) -> tuple[CqlType, str | None] | None:
        """The type of an element of a type, and its target in the model's mapping; None if there is no such element."""
        if isinstance(type_, NamedType):
            element = self.models.element(type_, name)
            return None if element is None else (element.type, element.target)
        if isinstance(type_, TupleType):
            found = dict(type_.elements).get(name)
            return None if found is None else (found, None)
        if isinstance(type_, IntervalType) and name in _INTERVAL_ELEMENTS:
            return (BOOLEAN if name.endswith("Closed") else type_.point), None
        if isinstance(type_, ChoiceType):
            return self._element_of_choice(type_, name)
        return None

    def _element_of_choice(self, type_: ChoiceType, name: str) -> tuple[CqlType, str | None] | None:
        found = [(part, self.element_of(part, name)) for part in type_.choices]
        present = [(part, described) for part, described in found if described is not None]
        if not present:
            return None
        types = choice_of(described[0] for _, described in present)
        targets = {described[1] for _, described in present}
        if len(targets) == 1:
            return types, targets.pop()
        mapped = [f"{part}:{described[1]}" for part, described in present if described[1] is not None]
        return types, ";".join(mapped)

    def element_names(self, type_: CqlType) -> list[str]:
        """The names of the elements of a type, for suggestions."""
        if isinstance(type_, NamedType):
            return self.models.element_names(type_)
        if isinstance(type_, TupleType):
            return [name for name, _ in type_.elements]
        if isinstance(type_, ListType):
            return self.element_names(type_.element)
        if isinstance(type_, ChoiceType):
            return [name for part in type_.choices for name in self.element_names(part)]
        return list(_INTERVAL_ELEMENTS) if isinstance(type_, IntervalType) else []

    def member(self, source: Typed, name: str, context: Context) -> Typed:
        """The element `name` of a value. For a list, the non-null elements `name` of its members."""
        if isinstance(source.type, ListType):
            return self._member_of_each(source, source.type, name, context)
        described = self.element_of(source.type, name)
        if described is None:
            if source.type == ANY:
                raise CqlError(f"cannot read element {name!r} of a value of unknown type; cast it first", context)
            suggestion = nearest(name, self.element_names(source.type))
            raise CqlError(f"{source.type} has no element {name!r}", context, suggestion=suggestion)
        type_, target = described
        element = self.record_type(Typed(self.access(source.node, name), type_))
        return self.through_target(element, target, source, context)

    def _member_of_each(self, source: Typed, type_: ListType, name: str, context: Context) -> Typed:
        this = Typed(nodes.AliasRef(name="$this"), type_.element)
        member = self.member(this, name, context)
        present = nodes.Not(operand=nodes.IsNull(operand=self.member(this, name, context).node))
        query = nodes.Query(
            source=[nodes.AliasedQuerySource(alias="$this", expression=source.node)],
            where=present,
            return_=nodes.ReturnClause(distinct=False, expression=member.node),
        )
        result = Typed(query, ListType(member.type))
        if isinstance(member.type, ListType):
            result = Typed(nodes.Flatten(operand=query), member.type)
        return self.record_type(result)
