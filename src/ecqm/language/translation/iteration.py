"""FHIRPath functions that evaluate an expression for each element (Appendix I, FHIRPath Translation).

In that expression `$this` is the element and `$index` its position (from 0). In `aggregate`, `$total` is the result so
far.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ecqm.elm import nodes
from ecqm.language.diagnostics import TranslationError
from ecqm.language.literals import unescape
from ecqm.language.parse_trees import Context, rule_of
from ecqm.language.symbols import Scope
from ecqm.language.translation.core import Translator
from ecqm.language.translation.names import dotted_name
from ecqm.language.translation.operators import negation
from ecqm.language.translation.queries import accumulated
from ecqm.language.translation.registry import Typed
from ecqm.types import ChoiceType, CqlType, ListType, choice_of

Method = Callable[[Translator, Typed, list[Context], Context], Typed]
_M = TypeVar("_M", bound=Method)

METHODS: dict[str, Method] = {}
"""The functions of FHIRPath that are more than an operator, by name."""

_THIS = "$this"
_TOTAL = "$total"
_SELECTED = "$selected"
_MOST_TYPES_REPEATED = 8


def method(*names: str) -> Callable[[_M], _M]:
    """Register the function (translator, receiver, arguments, context) -> typed node for calls by these names."""

    def register(function: _M) -> _M:
        for name in names:
            METHODS[name] = function
        return function

    return register


def _elements_of(type_: CqlType) -> CqlType:
    """The type of the elements of a list type; for other types, the type itself."""
    if isinstance(type_, ChoiceType):
        return choice_of(map(_elements_of, type_.choices))
    return type_.element if isinstance(type_, ListType) else type_


def one_argument(arguments: list[Context], name: str, context: Context) -> Context:
    """The argument of a function that takes exactly one. Raises TranslationError otherwise."""
    if len(arguments) != 1:
        raise TranslationError(f"{name} takes one argument", context)
    return arguments[0]


def over(receiver: Typed) -> tuple[nodes.Query, Scope, CqlType]:
    """A query over the receiver, the scope of its clauses, and the type of its elements."""
    is_list = isinstance(receiver.type, ListType)
    source = receiver.node if is_list else nodes.ToList(operand=receiver.node)
    element = receiver.type.element if isinstance(receiver.type, ListType) else receiver.type
    query = nodes.Query(source=[nodes.AliasedQuerySource(alias=_THIS, expression=source)])
    return query, Scope(aliases={_THIS: element}), element


def _returning(translator: Translator, query: nodes.Query, value: Typed) -> Typed:
    query.return_ = nodes.ReturnClause(distinct=False, expression=value.node)
    return translator.typed(query, ListType(value.type))


@method("where")
def _where(translator: Translator, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
    criteria = one_argument(arguments, "where", context)
    query, scope, element = over(receiver)
    with translator.scope(scope):
        query.where = translator.boolean(criteria).node
    return translator.typed(query, ListType(element))


@method("select")
def select(translator: Translator, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
    """Null results are left out, and lists are flattened."""
    projection = one_argument(arguments, "select", context)
    query, scope, _ = over(receiver)
    with translator.scope(scope):
        value = translator.translate(projection)
    query.let = [nodes.LetClause(identifier=_SELECTED, expression=value.node)]
    selected = Typed(nodes.QueryLetRef(name=_SELECTED), value.type)
    query.where = negation(translator, translator.operator("IsNull", [selected], context), context).node
    found = _returning(translator, query, Typed(nodes.QueryLetRef(name=_SELECTED), value.type))
    return translator.operator("Flatten", [found], context) if isinstance(value.type, ListType) else found


@method("exists")
def exists(translator: Translator, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
    """Whether there are elements, or elements that meet a condition; for a single value, whether it is not null."""
    if arguments:
        receiver = _where(translator, receiver, arguments, context)
    elif not isinstance(receiver.type, ListType):
        return negation(translator, translator.operator("IsNull", [receiver], context), context)
    return translator.operator("Exists", [receiver], context)


@method("empty")
def _empty(translator: Translator, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
    return negation(translator, exists(translator, receiver, arguments, context), context)


@method("all")
def _all(translator: Translator, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
    criteria = one_argument(arguments, "all", context)
    query, scope, _ = over(receiver)
    with translator.scope(scope):
        condition = translator.boolean(criteria)
    return translator.operator("AllTrue", [_returning(translator, query, condition)], context)


@method("allFalse")
def _all_false(translator: Translator, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
    return translator.operator("AllTrue", [_negated(translator, receiver, arguments, context)], context)


@method("anyFalse")
def _any_false(translator: Translator, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
    return translator.operator("AnyTrue", [_negated(translator, receiver, arguments, context)], context)


def _negated(translator: Translator, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
    """Each of the elements, negated."""
    if arguments:
        raise TranslationError("allFalse and anyFalse take no arguments", context)
    query, _, element = over(receiver)
    this = Typed(nodes.AliasRef(name=_THIS), element)
    return _returning(translator, query, negation(translator, this, context))


def named_type(translator: Translator, argument: Context) -> CqlType:
    """The type that an argument names (Author's Guide, Appendix I, ofType): `Integer` or `System.Integer`, or one of
    these as a string, which the reference translator accepts too. Raises TranslationError."""
    is_term = rule_of(argument) == "TermExpression" and argument.queryTail() is None
    term = argument.term() if is_term else argument
    if rule_of(term) == "StringTerm":
        return translator.models.named_type(unescape(term.STRING().getText(), term).split("."), argument)
    parts = dotted_name(term)
    if parts is None:
        raise TranslationError("the argument must be the name of a type", argument)
    return translator.models.named_type(parts, argument)


@method("ofType")
def _of_type(translator: Translator, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
    type_ = named_type(translator, one_argument(arguments, "ofType", context))
    if not isinstance(receiver.type, ListType):
        return translator.cast(receiver, type_)
    query, _, element = over(receiver)
    this = Typed(nodes.AliasRef(name=_THIS), element)
    query.where = translator.is_of(this, type_).node
    return _returning(translator, query, translator.cast(this, type_))


@method("repeat")
def _repeat(translator: Translator, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
    """Apply the projection to the elements, to its results, and so on; the type is the choice of all results."""
    projection = one_argument(arguments, "repeat", context)
    query, scope, looked_at = over(receiver)
    with translator.retranslating(context):
        for _ in range(_MOST_TYPES_REPEATED):
            scope.aliases[_THIS] = looked_at
            with translator.scope(scope):
                value = translator.translate(projection)
            found = _elements_of(value.type)
            both = choice_of((looked_at, found))
            if both == looked_at:
                source = query.source[0].expression
                return Typed(nodes.Repeat(source=source, element=value.node, scope=_THIS), ListType(found))
            looked_at = both
    raise TranslationError("the result of repeat has a different type at each step", context)


@method("aggregate")
def _gather(translator: Translator, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
    if len(arguments) not in (1, 2):
        raise TranslationError("aggregate takes an expression and an optional starting value", context)
    given = translator.translate(arguments[1]) if len(arguments) == 2 else None
    query, scope, _ = over(receiver)
    with translator.scope(scope):
        starting, step = accumulated(translator, _TOTAL, given, arguments[0], context)
    query.aggregate = nodes.AggregateClause(identifier=_TOTAL, expression=step.node, starting=starting.node)
    return Typed(query, step.type)
