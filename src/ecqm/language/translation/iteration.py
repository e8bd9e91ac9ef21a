"""FHIRPath functions that evaluate an expression for each element (Appendix I, FHIRPath Translation).

In that expression `$this` is the element and `$index` its position (from 0). In `aggregate`, `$total` is the result so
far.
"""

from __future__ import annotations

from collections.abc import Callable

from ecqm.elm import nodes
from ecqm.language.diagnostics import CqlError
from ecqm.language.symbols import Scope
from ecqm.language.translation.core import Context, Typed
from ecqm.language.translation.queries import QueryTranslator
from ecqm.types import ChoiceType, CqlType, ListType, choice_of

Method = Callable[[Typed, list[Context], Context], Typed]

_THIS = "$this"
_TOTAL = "$total"
_SELECTED = "$selected"
_MOST_TYPES_REPEATED = 8


def _elements_of(type_: CqlType) -> CqlType:
    """The type of the elements of a list type; for other types, the type itself."""
    if isinstance(type_, ChoiceType):
        return choice_of(map(_elements_of, type_.choices))
    return type_.element if isinstance(type_, ListType) else type_


class IterationTranslator(QueryTranslator):
    """Translates the FHIRPath functions that iterate over elements."""

    def iterations(self) -> dict[str, Method]:
        """The functions by name."""
        return {
            "where": self._where,
            "select": self._select,
            "exists": self.exists,
            "empty": self._empty,
            "all": self._all,
            "allFalse": self._all_false,
            "anyFalse": self._any_false,
            "ofType": self._of_type,
            "repeat": self._repeat,
            "aggregate": self._gather,
        }

    def one_argument(self, arguments: list[Context], name: str, context: Context) -> Context:
        """The argument of a function that takes exactly one. Raises CqlError otherwise."""
        if len(arguments) != 1:
            raise CqlError(f"{name} takes one argument", context)
        return arguments[0]

    def _over(self, receiver: Typed) -> tuple[nodes.Query, Scope, CqlType]:
        """A query over the receiver, the scope of its clauses, and the type of its elements."""
        is_list = isinstance(receiver.type, ListType)
        source = receiver.node if is_list else nodes.ToList(operand=receiver.node)
        element = receiver.type.element if isinstance(receiver.type, ListType) else receiver.type
        query = nodes.Query(source=[nodes.AliasedQuerySource(alias=_THIS, expression=source)])
        return query, Scope(aliases={_THIS: element}), element

    def _returning(self, query: nodes.Query, value: Typed) -> Typed:
        query.return_ = nodes.ReturnClause(distinct=False, expression=value.node)
        return self.record_type(Typed(query, ListType(value.type)))

    def _where(self, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
        criteria = self.one_argument(arguments, "where", context)
        query, scope, element = self._over(receiver)
        with self.scope(scope):
            query.where = self.boolean(criteria).node
        return self.record_type(Typed(query, ListType(element)))

    def _select(self, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
        """Null results are left out, and lists are flattened."""
        projection = self.one_argument(arguments, "select", context)
        query, scope, _ = self._over(receiver)
        with self.scope(scope):
            value = self.translate(projection)
        query.let = [nodes.LetClause(identifier=_SELECTED, expression=value.node)]
        selected = Typed(nodes.QueryLetRef(name=_SELECTED), value.type)
        query.where = self.negation(self.operator("IsNull", [selected], context), context).node
        found = self._returning(query, Typed(nodes.QueryLetRef(name=_SELECTED), value.type))
        return self.operator("Flatten", [found], context) if isinstance(value.type, ListType) else found

    def exists(self, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
        """Whether there are elements, or elements that meet a condition; for a single value, whether it is not null."""
        if arguments:
            receiver = self._where(receiver, arguments, context)
        elif not isinstance(receiver.type, ListType):
            return self.negation(self.operator("IsNull", [receiver], context), context)
        return self.operator("Exists", [receiver], context)

    def _empty(self, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
        return self.negation(self.exists(receiver, arguments, context), context)

    def _all(self, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
        criteria = self.one_argument(arguments, "all", context)
        query, scope, _ = self._over(receiver)
        with self.scope(scope):
            condition = self.boolean(criteria)
        return self.operator("AllTrue", [self._returning(query, condition)], context)

    def _all_false(self, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
        return self.operator("AllTrue", [self._negated(receiver, arguments, context)], context)

    def _any_false(self, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
        return self.operator("AnyTrue", [self._negated(receiver, arguments, context)], context)

    def _negated(self, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
        """Each of the elements, negated."""
        if arguments:
            raise CqlError("allFalse and anyFalse take no arguments", context)
        query, _, element = self._over(receiver)
        this = Typed(nodes.AliasRef(name=_THIS), element)
        return self._returning(query, self.negation(this, context))

    def named_type(self, argument: Context) -> CqlType:
        """The type that an argument names: `Integer` or `System.Integer`, possibly quoted."""
        parts = argument.getText().strip("'").replace("`", "").replace('"', "").split(".")
        return self.models.named_type(parts, argument)

    def _of_type(self, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
        type_ = self.named_type(self.one_argument(arguments, "ofType", context))
        if not isinstance(receiver.type, ListType):
            return self.cast(receiver, type_)
        query, _, element = self._over(receiver)
        this = Typed(nodes.AliasRef(name=_THIS), element)
        query.where = self.is_of(this, type_).node
        return self._returning(query, self.cast(this, type_))

    def _repeat(self, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
        """Apply the projection to the elements, to its results, and so on; the type is the choice of all results."""
        projection = self.one_argument(arguments, "repeat", context)
        query, scope, looked_at = self._over(receiver)
        with self.retranslating(context):
            for _ in range(_MOST_TYPES_REPEATED):
                scope.aliases[_THIS] = looked_at
                with self.scope(scope):
                    value = self.translate(projection)
                found = _elements_of(value.type)
                both = choice_of((looked_at, found))
                if both == looked_at:
                    source = query.source[0].expression
                    return Typed(nodes.Repeat(source=source, element=value.node, scope=_THIS), ListType(found))
                looked_at = both
        raise CqlError("the result of repeat has a different type at each step", context)

    def _gather(self, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
        if len(arguments) not in (1, 2):
            raise CqlError("aggregate takes an expression and an optional starting value", context)
        given = self.translate(arguments[1]) if len(arguments) == 2 else None
        query, scope, _ = self._over(receiver)
        with self.scope(scope):
            starting, step = self.accumulated(_TOTAL, given, arguments[0], context)
        query.aggregate = nodes.AggregateClause(identifier=_TOTAL, expression=step.node, starting=starting.node)
        return Typed(query, step.type)
