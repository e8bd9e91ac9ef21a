"""FHIRPath functions written as methods (Developer's Guide, FHIRPath Function Translation)."""

from __future__ import annotations

from collections.abc import Callable

from ecqm.elm import nodes
from ecqm.language.diagnostics import CqlError
from ecqm.language.symbols import Scope
from ecqm.language.translation.core import Context, Typed
from ecqm.language.translation.functions import FunctionTranslator
from ecqm.language.translation.operators import OperatorTranslator
from ecqm.language.translation.selectors import SelectorTranslator
from ecqm.types import ANY, BOOLEAN, CqlType, ListType

# Methods that are an operator of the language with the receiver as its first operand.
_OPERATORS = {
    "allTrue": "AllTrue", "anyTrue": "AnyTrue", "count": "Count", "distinct": "Distinct", "first": "First",
    "last": "Last", "single": "SingletonFrom", "not": "Not", "union": "Union", "intersect": "Intersect",
    "exclude": "Except", "contains": "Contains", "subsetOf": "IncludedIn", "supersetOf": "Includes",
    "startsWith": "StartsWith", "endsWith": "EndsWith", "matches": "Matches", "replaceMatches": "ReplaceMatches",
    "upper": "Upper", "lower": "Lower", "length": "Length", "toChars": "ToChars", "substring": "Substring",
    "indexOf": "PositionOf", "lastIndexOf": "LastPositionOf", "abs": "Abs", "ceiling": "Ceiling", "exp": "Exp",
    "floor": "Floor", "ln": "Ln", "log": "Log", "power": "Power", "round": "Round", "truncate": "Truncate",
    "children": "Children", "descendents": "Descendents", "descendants": "Descendents", "split": "Split",
    "toBoolean": "ToBoolean", "toInteger": "ToInteger", "toLong": "ToLong", "toDecimal": "ToDecimal",
    "toString": "ToString", "toDate": "ToDate", "toDateTime": "ToDateTime", "toTime": "ToTime",
    "toQuantity": "ToQuantity", "convertsToBoolean": "ConvertsToBoolean", "convertsToInteger": "ConvertsToInteger",
    "convertsToLong": "ConvertsToLong", "convertsToDecimal": "ConvertsToDecimal",
    "convertsToString": "ConvertsToString", "convertsToDate": "ConvertsToDate",
    "convertsToDateTime": "ConvertsToDateTime", "convertsToTime": "ConvertsToTime",
    "convertsToQuantity": "ConvertsToQuantity",
}  # fmt: skip
_PATTERN_FIRST = frozenset(("PositionOf", "LastPositionOf"))
_SLICES = {"skip": "_call_Skip", "take": "_call_Take", "tail": "_call_Tail"}


class FhirPathTranslator(OperatorTranslator, SelectorTranslator, FunctionTranslator):
    """Translates method calls that FHIRPath defines and no fluent function overrides."""

    def fhirpath_call(self, receiver: Typed, name: str, arguments: list[Context], context: Context) -> Typed | None:
        special: Callable[[Typed, list[Context], Context], Typed] | None
        special = getattr(self, f"_method_{name}", None)
        if special is not None:
            result: Typed = special(receiver, arguments, context)
            return result
        if name in _SLICES:
            operands = [receiver, *map(self.translate, arguments)]
            sliced: Typed = getattr(self, _SLICES[name])(operands, context)
            return sliced
        operator = _OPERATORS.get(name)
        if operator is None:
            return None
        operands = [receiver, *map(self.translate, arguments)]
        if operator in _PATTERN_FIRST:
            operands.reverse()
        return self.operator(operator, operands, context)

    def _one(self, arguments: list[Context], name: str, context: Context) -> Context:
        if len(arguments) != 1:
            raise CqlError(f"{name} takes one argument", context)
        return arguments[0]

    def _over(self, receiver: Typed, body: Context) -> tuple[nodes.Query, Typed, ListType]:
        """A query over the receiver, and `body` translated with `$this` as its alias."""
        type_ = receiver.type if isinstance(receiver.type, ListType) else ListType(receiver.type)
        source = receiver.node if isinstance(receiver.type, ListType) else nodes.ToList(operand=receiver.node)
        query = nodes.Query(source=[nodes.AliasedQuerySource(alias="$this", expression=source)])
        with self.scope(Scope(aliases={"$this": type_.element})):
            value = self.translate(body)
        return query, value, type_

    def _filtered(self, receiver: Typed, criteria: Context) -> Typed:
        query, condition, type_ = self._over(receiver, criteria)
        query.where = self.to_type(condition, BOOLEAN, criteria).node
        return self.record_type(Typed(query, type_))

    def _method_where(self, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
        return self._filtered(receiver, self._one(arguments, "where", context))

    def _method_select(self, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
        query, value, _ = self._over(receiver, self._one(arguments, "select", context))
        query.return_ = nodes.ReturnClause(distinct=False, expression=value.node)
        if isinstance(value.type, ListType):
            return Typed(nodes.Flatten(operand=query), value.type)
        return Typed(query, ListType(value.type))

    def _method_exists(self, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
        if arguments:
            receiver = self._filtered(receiver, self._one(arguments, "exists", context))
        elif not isinstance(receiver.type, ListType):
            return self.negation(self.operator("IsNull", [receiver], context), context)
        return self.operator("Exists", [receiver], context)

    def _method_all(self, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
        query, condition, _ = self._over(receiver, self._one(arguments, "all", context))
        value = self.to_type(condition, BOOLEAN, context)
        query.return_ = nodes.ReturnClause(distinct=False, expression=value.node)
        return self.operator("AllTrue", [Typed(query, ListType(BOOLEAN))], context)

    def _method_empty(self, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
        return self.negation(self._method_exists(receiver, arguments, context), context)

    def _method_hasValue(self, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
        return self.negation(self.operator("IsNull", [receiver], context), context)

    def _method_isDistinct(self, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
        distinct = self.operator("Distinct", [receiver], context)
        counts = [self.operator("Count", [values], context) for values in (receiver, distinct)]
        return self.operator("Equal", counts, context)

    def _method_iif(self, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
        if len(arguments) not in (2, 3):
            raise CqlError("iif takes a condition, a result, and a result for otherwise", context)
        with self.scope(Scope(aliases={"$this": receiver.type})):
            condition = self.boolean(arguments[0])
            then = self.translate(arguments[1])
            otherwise = self.translate(arguments[2]) if len(arguments) == 3 else Typed(nodes.Null(), ANY)
        (then, otherwise), type_ = self.unified([then, otherwise], [context, context])
        return Typed(nodes.If(condition=condition.node, then=then.node, else_=otherwise.node), type_)

    def _named_type(self, argument: Context) -> CqlType:
        parts = argument.getText().replace("`", "").replace('"', "").split(".")
        return self.models.named_type(parts, argument)

    def _method_ofType(self, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
        type_ = self._named_type(self._one(arguments, "ofType", context))
        if not isinstance(receiver.type, ListType):
            return self._method_as(receiver, arguments, context)
        this = Typed(nodes.AliasRef(name="$this"), receiver.type.element)
        query = nodes.Query(
            source=[nodes.AliasedQuerySource(alias="$this", expression=receiver.node)],
            where=self.is_of(this, type_).node,
            return_=nodes.ReturnClause(distinct=False, expression=self.cast(this, type_).node),
        )
        return Typed(query, ListType(type_))

    def _method_as(self, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
        return self.cast(receiver, self._named_type(self._one(arguments, "as", context)))

    def _method_is(self, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
        return self.is_of(receiver, self._named_type(self._one(arguments, "is", context)))

    def _method_combine(self, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
        other = self.translate(self._one(arguments, "combine", context))
        (left, right), type_ = self.unified([receiver, other], [context, context])
        return Typed(nodes.Flatten(operand=nodes.List(element=[left.node, right.node])), type_)
