"""Names, and elements of values (Author's Guide, Identifier Resolution; Path Traversal)."""

from __future__ import annotations

from typing import Any

from ecqm.elm import nodes
from ecqm.language.diagnostics import TranslationError, nearest
from ecqm.language.literals import unescape
from ecqm.language.parse_trees import Context, rule_of
from ecqm.language.symbols import Declared, Symbol
from ecqm.language.translation.core import Translator, unknown_name
from ecqm.language.translation.mappings import access, mapped
from ecqm.language.translation.registry import Typed
from ecqm.models.mappings import ElementMapping, MappingByType, parse_mapping
from ecqm.types import ANY, BOOLEAN, ChoiceType, CqlType, IntervalType, ListType, NamedType, TupleType, choice_of

_INTERVAL_ELEMENTS = ("low", "high", "lowClosed", "highClosed")


def name_of(context: Context) -> str:
    """The name in an identifier, without quotes and with escapes replaced."""
    text = str(context.getText())
    return unescape(text, context) if text.startswith(('"', "`")) else text


def parts_of(context: Context) -> list[str]:
    """The names of a qualified identifier."""
    return [name_of(context.referentialIdentifier()), *map(name_of, context.anyName())]


def dotted_name(context: Context) -> list[str] | None:
    """The names of a term that consists of names alone, separated by dots; None for other terms."""
    rule = rule_of(context)
    if rule == "NameTerm" and context.getChildCount() == 1:
        return [name_of(context.referentialIdentifier())]
    if rule == "MemberTerm" and context.getChildCount() == 3:
        before = dotted_name(context.term())
        return None if before is None else [*before, name_of(context.anyName())]
    return None


# -- names ------------------------------------------------------------------------------------------------------------


def lookup(translator: Translator, name: str, context: Context) -> Typed | None:
    """The value of a simple name: the innermost alias, let or operand with that name, otherwise a declaration."""
    for scope in reversed(translator.scopes):
        if scope.row is not None:
            found = _row_element(translator, name, scope.row)
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
        if this is not None and element_of(translator, this, name) is not None:
            return member(translator, Typed(nodes.AliasRef(name="$this"), this), name, context)
    symbol = translator.library.symbol(name, context)
    return None if symbol is None else reference(symbol, None)


def _row_element(translator: Translator, name: str, row: CqlType) -> Typed | None:
    described = element_of(translator, row, name)
    if described is None:
        return None
    type_, mapping = described
    element = Typed(nodes.IdentifierRef(name=name), type_)
    return mapped(translator, element, mapping, Typed(nodes.IdentifierRef(name="$this"), row))


def reference(symbol: Symbol, library: str | None) -> Typed:
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


def library_member(translator: Translator, library: str, name: str, context: Context) -> Typed:
    """The declaration `name` of an included library."""
    exports = translator.library.includes[library]
    symbol = exports.symbols.get(name)
    if symbol is None:
        raise unknown_name(name, exports.symbols, "name", context, within=library)
    if not symbol.public:
        raise TranslationError(f"{name!r} is private to {library}", context)
    return reference(symbol, library)


# -- members ----------------------------------------------------------------------------------------------------------


ElementDescription = tuple[CqlType, ElementMapping | None]
"""The type of an element, and how its model maps it."""


def element_of(translator: Translator, type_: CqlType, name: str) -> ElementDescription | None:
    """The element of a type; None if there is no such element."""
    if isinstance(type_, NamedType):
        element = translator.models.element(type_, name)
        if element is None:
            return None
        return element.type, None if element.target is None else parse_mapping(element.target)
    if isinstance(type_, TupleType):
        found = dict(type_.elements).get(name)
        return None if found is None else (found, None)
    if isinstance(type_, IntervalType) and name in _INTERVAL_ELEMENTS:
        return (BOOLEAN if name.endswith("Closed") else type_.point), None
    if isinstance(type_, ChoiceType):
        return _element_of_choice(translator, type_, name)
    return None


def _element_of_choice(translator: Translator, choice: ChoiceType, name: str) -> ElementDescription | None:
    present = [(part, found) for part in choice.choices if (found := element_of(translator, part, name)) is not None]
    if not present:
        return None
    type_ = choice_of(element_type for _, (element_type, _) in present)
    mappings = {mapping for _, (_, mapping) in present}
    if len(mappings) == 1:
        return type_, mappings.pop()
    return type_, MappingByType(tuple((part, mapping) for part, (_, mapping) in present if mapping is not None))


def element_names(translator: Translator, type_: CqlType) -> list[str]:
    """The names of the elements of a type, for suggestions."""
    if isinstance(type_, NamedType):
        return translator.models.element_names(type_)
    if isinstance(type_, TupleType):
        return [name for name, _ in type_.elements]
    if isinstance(type_, ListType):
        return element_names(translator, type_.element)
    if isinstance(type_, ChoiceType):
        return [name for part in type_.choices for name in element_names(translator, part)]
    return list(_INTERVAL_ELEMENTS) if isinstance(type_, IntervalType) else []


def member(translator: Translator, source: Typed, name: str, context: Context) -> Typed:
    """The element `name` of a value. For a list, the non-null elements `name` of its members."""
    if isinstance(source.type, ListType):
        return _member_of_each(translator, source, source.type, name, context)
    described = element_of(translator, source.type, name)
    if described is None:
        if source.type == ANY:
            raise TranslationError(f"cannot read element {name!r} of a value of unknown type; cast it first", context)
        suggestion = nearest(name, element_names(translator, source.type))
        raise TranslationError(f"{source.type} has no element {name!r}", context, suggestion=suggestion)
    type_, mapping = described
    element = translator.typed(access(source.node, name), type_)
    return mapped(translator, element, mapping, source)


def _member_of_each(translator: Translator, source: Typed, type_: ListType, name: str, context: Context) -> Typed:
    this = Typed(nodes.AliasRef(name="$this"), type_.element)
    element = member(translator, this, name, context)
    present = nodes.Not(operand=nodes.IsNull(operand=member(translator, this, name, context).node))
    query = nodes.Query(
        source=[nodes.AliasedQuerySource(alias="$this", expression=source.node)],
        where=present,
        return_=nodes.ReturnClause(distinct=False, expression=element.node),
    )
    each = translator.typed(query, ListType(element.type))
    if isinstance(element.type, ListType):
        return translator.typed(nodes.Flatten(operand=each.node), element.type)
    return each
