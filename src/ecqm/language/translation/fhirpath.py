"""FHIRPath functions written as methods (Appendix I, FHIRPath Translation)."""

from __future__ import annotations

from ecqm.elm import nodes
from ecqm.language.diagnostics import CqlError
from ecqm.language.translation.core import Context, Typed
from ecqm.language.translation.iteration import IterationTranslator, Method
from ecqm.types import ANY, BOOLEAN, CODE_SYSTEM, DECIMAL, INTEGER, STRING, VALUE_SET, IntervalType, ListType, NamedType

# Methods that are operators of the language, with the receiver as the first operand.
_OPERATORS = {
    "allTrue": "AllTrue", "anyTrue": "AnyTrue", "count": "Count", "distinct": "Distinct", "first": "First",
    "last": "Last", "single": "SingletonFrom", "not": "Not", "union": "Union", "intersect": "Intersect",
    "exclude": "Except", "subsetOf": "IncludedIn", "supersetOf": "Includes", "subsumes": "Subsumes",
    "subsumedBy": "SubsumedBy", "startsWith": "StartsWith", "endsWith": "EndsWith", "matches": "Matches",
    "replaceMatches": "ReplaceMatches", "upper": "Upper", "lower": "Lower", "length": "Length", "toChars": "ToChars",
    "substring": "Substring", "indexOf": "PositionOf", "lastIndexOf": "LastPositionOf", "split": "Split",
    "join": "Combine", "abs": "Abs", "ceiling": "Ceiling", "exp": "Exp", "floor": "Floor", "ln": "Ln", "log": "Log",
    "power": "Power", "round": "Round", "truncate": "Truncate", "toBoolean": "ToBoolean", "toInteger": "ToInteger",
    "toLong": "ToLong", "toDecimal": "ToDecimal", "toString": "ToString", "toDate": "ToDate",
    "toDateTime": "ToDateTime", "toTime": "ToTime", "toQuantity": "ToQuantity",
    "convertsToBoolean": "ConvertsToBoolean",
    "convertsToInteger": "ConvertsToInteger", "convertsToLong": "ConvertsToLong",
    "convertsToDecimal": "ConvertsToDecimal", "convertsToString": "ConvertsToString",
    "convertsToDate": "ConvertsToDate", "convertsToDateTime": "ConvertsToDateTime",
    "convertsToTime": "ConvertsToTime", "convertsToQuantity": "ConvertsToQuantity",
}  # fmt: skip
_PATTERN_FIRST = frozenset(("PositionOf", "LastPositionOf"))
_SLICES = {"skip": "_call_Skip", "take": "_call_Take", "tail": "_call_Tail"}

# Functions of FHIRPath, or that FHIR adds to it, which CQL does not have, with what to write instead.
_NOT_IN_CQL = {
    "resolve": "query the resources of that type for the one with the id in the reference",
    "conformsTo": "retrieve by profile instead",
    "trim": "use ReplaceMatches(text, '^\\\\s+|\\\\s+$', '')",
    "matchesFull": "use matches with a pattern between '^' and '$'",
    "encode": "", "decode": "", "escape": "", "unescape": "", "type": "use is", "defineVariable": "use let",
    "elementDefinition": "", "slice": "", "checkModifiers": "", "htmlChecks": "",
}  # fmt: skip


class FhirPathTranslator(IterationTranslator):
    """Translates calls of FHIRPath methods that no fluent function overrides."""

    def fhirpath_call(self, receiver: Typed, name: str, arguments: list[Context], context: Context) -> Typed | None:
        method = self._methods_by_name().get(name)
        if method is not None:
            return method(receiver, arguments, context)
        if name in _SLICES:
            operands = [receiver, *map(self.translate, arguments)]
            sliced: Typed = getattr(self, _SLICES[name])(operands, context)
            return sliced
        operator = _OPERATORS.get(name)
        if operator is None:
            if name in _NOT_IN_CQL:
                advice = f"; {_NOT_IN_CQL[name]}" if _NOT_IN_CQL[name] else ""
                raise CqlError(f"CQL does not have the FHIRPath function {name}{advice}", context)
            return None
        operands = [receiver, *map(self.translate, arguments)]
        if isinstance(receiver.type, NamedType) and operator == f"To{receiver.type.name}" and not arguments:
            return receiver
        if operator in _PATTERN_FIRST:
            operands.reverse()
        return self.operator(operator, operands, context)

    def fhirpath_names(self) -> list[str]:
        return [*_OPERATORS, *_SLICES, *self._methods_by_name()]

    def _methods_by_name(self) -> dict[str, Method]:
        return {
            **self.iterations(),
            "contains": self._contains,
            "replace": self._replace,
            "hasValue": self._has_value,
            "isDistinct": self._is_distinct,
            "iif": self._iif,
            "as": self._as,
            "is": self._is,
            "combine": self._combine,
            "sqrt": self._sqrt,
            "memberOf": self._member_of,
            "trace": self._trace,
            "children": self._children,
            "descendents": self._descendents,
            "descendants": self._descendents,
            "extension": self._extension,
        }

    # ------------------------------------------------------------------------------------------ texts and numbers

    def _contains(self, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
        """Whether a string contains another string, or a list an element."""
        part = self.translate(self.one_argument(arguments, "contains", context))
        if isinstance(receiver.type, ListType | IntervalType):
            return self.operator("Contains", [receiver, part], context)
        position = self.operator("PositionOf", [part, receiver], context)
        return self.operator("GreaterOrEqual", [position, self.literal(INTEGER, "0")], context)

    def _replace(self, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
        """ELM has no Replace: the text is split at the pattern, and joined again with the substitution."""
        if len(arguments) != 2:
            raise CqlError("replace takes two arguments: the text to find and its replacement", context)
        pattern, substitution = (self.to_type(self.translate(part), STRING, part) for part in arguments)
        between = self.operator("Split", [receiver, pattern], context)
        result = self.operator("Combine", [between, substitution], context)
        unknown = [
            self.operator("IsNull", [part], context)
            for part in (pattern, substitution)
            if not isinstance(part.node, nodes.Literal)
        ]
        for condition in unknown:
            null = self.cast(Typed(nodes.Null(), ANY), STRING)
            result = Typed(nodes.If(condition=condition.node, then=null.node, else_=result.node), STRING)
        return result

    def _sqrt(self, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
        if arguments:
            raise CqlError("sqrt takes no arguments", context)
        return self.operator("Power", [receiver, self.literal(DECIMAL, "0.5")], context)

    # ------------------------------------------------------------------------------------------ any values

    def _has_value(self, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
        return self.negation(self.operator("IsNull", [receiver], context), context)

    def _is_distinct(self, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
        distinct = self.operator("Distinct", [receiver], context)
        counts = [self.operator("Count", [values], context) for values in (receiver, distinct)]
        return self.operator("Equal", counts, context)

    def _as(self, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
        return self.cast(receiver, self.named_type(self.one_argument(arguments, "as", context)))

    def _is(self, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
        return self.is_of(receiver, self.named_type(self.one_argument(arguments, "is", context)))

    def _combine(self, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
        other = self.translate(self.one_argument(arguments, "combine", context))
        (left, right), type_ = self.unified([receiver, other], [context, context])
        return Typed(nodes.Flatten(operand=nodes.List(element=[left.node, right.node])), type_)

    def _member_of(self, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
        value_set = self.translate(self.one_argument(arguments, "memberOf", context))
        if value_set.type not in (VALUE_SET, CODE_SYSTEM):
            message = 'memberOf needs the name of a declared value set or code system: memberOf("name")'
            raise CqlError(message, arguments[0])
        return self.membership(receiver, value_set, context)

    def _extension(self, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
        """The extensions of a FHIR element with a given url (FHIR, Additional functions)."""
        url = self.translate(self.one_argument(arguments, "extension", context))
        extensions = self.member(receiver, "extension", context)
        if not isinstance(extensions.type, ListType):
            raise CqlError(f"{receiver.type} has no extensions", context)
        this = Typed(nodes.AliasRef(name="$this"), extensions.type.element)
        same = self.operator("Equal", [self.member(this, "url", context), url], context)
        source = nodes.AliasedQuerySource(alias="$this", expression=extensions.node)
        return Typed(nodes.Query(source=[source], where=same.node), extensions.type)

    def _children(self, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
        return self._call_Children([receiver, *map(self.translate, arguments)], context)

    def _descendents(self, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
        return self._call_Descendents([receiver, *map(self.translate, arguments)], context)

    def _trace(self, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
        """A trace message: the name, and the receiver or a projection of it as text. Lists have no text."""
        if len(arguments) not in (1, 2):
            raise CqlError("trace takes a name and an optional projection", context)
        name = self.translate(arguments[0])
        traced = receiver
        if len(arguments) == 2:
            traced = self.iterations()["select"](receiver, arguments[1:], context)
        try:
            text = self.operator("ToString", [traced], context)
        except CqlError:
            text = self.cast(Typed(nodes.Null(), ANY), STRING)
        on, severity = self.literal(BOOLEAN, "true"), self.literal(STRING, "Trace")
        return self.operator("Message", [receiver, on, name, severity, text], context)

    # ------------------------------------------------------------------------------------------ functions

    def _iif(self, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
        """`iif` on one value, which is `$this`; in older editions the receiver is the condition (`X.iif(Y, Z)`)."""
        if isinstance(receiver.type, ListType):
            raise CqlError("iif cannot be called on a list", context)
        if receiver.type == BOOLEAN and len(arguments) < 3:
            return self._conditional([receiver, *map(self.translate, arguments)], context)
        query, scope, _ = self._over(receiver)
        query.source[0].expression = receiver.node
        with self.scope(scope):
            value = self._conditional([self.translate(argument) for argument in arguments], context)
        query.return_ = nodes.ReturnClause(distinct=False, expression=value.node)
        return Typed(query, value.type)

    def _conditional(self, operands: list[Typed], context: Context) -> Typed:
        if len(operands) not in (2, 3):
            raise CqlError("iif takes a condition, a result, and an optional other result", context)
        condition = self.to_type(operands[0], BOOLEAN, context)
        otherwise = operands[2] if len(operands) == 3 else Typed(nodes.Null(), ANY)
        (then, otherwise), type_ = self.unified([operands[1], otherwise], [context, context])
        return Typed(nodes.If(condition=condition.node, then=then.node, else_=otherwise.node), type_)

    def _call_Children(self, operands: list[Typed], context: Context) -> Typed:
        return self._elements("Children", operands, context)

    def _call_Descendents(self, operands: list[Typed], context: Context) -> Typed:
        return self._elements("Descendents", operands, context)

    def _elements(self, operator: str, operands: list[Typed], context: Context) -> Typed:
        """All elements of values of System types. From data, only elements that the logic names are read."""
        for operand in operands:
            type_ = operand.type.element if isinstance(operand.type, ListType) else operand.type
            if isinstance(type_, NamedType) and type_.model != "System":
                raise CqlError(f"the elements of {type_} cannot be enumerated; name the elements you need", context)
        return self.operator(operator, operands, context)

    def _call_iif(self, operands: list[Typed], context: Context) -> Typed:
        return self._conditional(operands, context)

    def _call_now(self, operands: list[Typed], context: Context) -> Typed:
        return self.operator("Now", operands, context)

    def _call_today(self, operands: list[Typed], context: Context) -> Typed:
        return self.operator("Today", operands, context)

    def _call_timeOfDay(self, operands: list[Typed], context: Context) -> Typed:
        return self.operator("TimeOfDay", operands, context)
