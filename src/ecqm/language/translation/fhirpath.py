"""FHIRPath functions written as methods (Appendix I, FHIRPath Translation)."""

from __future__ import annotations

from ecqm.elm import nodes
from ecqm.language.diagnostics import TranslationError
from ecqm.language.parse_trees import Context
from ecqm.language.translation.core import Translator
from ecqm.language.translation.iteration import METHODS, method, named_type, one_argument, over, select
from ecqm.language.translation.membership import membership
from ecqm.language.translation.names import member
from ecqm.language.translation.operators import negation
from ecqm.language.translation.registry import Typed
from ecqm.language.translation.system_functions import FUNCTIONS, called
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
_SLICES = {"skip": "Skip", "take": "Take", "tail": "Tail"}

# Functions of FHIRPath, or that FHIR adds to it, which CQL does not have, with what to write instead.
_NOT_IN_CQL = {
    "resolve": "query the resources of that type for the one with the id in the reference",
    "conformsTo": "retrieve by profile instead",
    "trim": "use ReplaceMatches(text, '^\\\\s+|\\\\s+$', '')",
    "matchesFull": "use matches with a pattern between '^' and '$'",
    "encode": "", "decode": "", "escape": "", "unescape": "", "type": "use is", "defineVariable": "use let",
    "elementDefinition": "", "slice": "", "checkModifiers": "", "htmlChecks": "",
}  # fmt: skip


def fhirpath_call(
    translator: Translator, receiver: Typed, name: str, arguments: list[Context], context: Context
) -> Typed | None:
    """The call of the FHIRPath function `name` on a value; None if there is no such function."""
    own = METHODS.get(name)
    if own is not None:
        return own(translator, receiver, arguments, context)
    if name in _SLICES:
        operands = [receiver, *map(translator.translate, arguments)]
        return FUNCTIONS[_SLICES[name]](translator, operands, context)
    operator = _OPERATORS.get(name)
    if operator is None:
        if name in _NOT_IN_CQL:
            advice = f"; {_NOT_IN_CQL[name]}" if _NOT_IN_CQL[name] else ""
            raise TranslationError(f"CQL does not have the FHIRPath function {name}{advice}", context)
        return None
    operands = [receiver, *map(translator.translate, arguments)]
    if isinstance(receiver.type, NamedType) and operator == f"To{receiver.type.name}" and not arguments:
        return receiver
    if operator in _PATTERN_FIRST:
        operands.reverse()
    return translator.operator(operator, operands, context)


def fhirpath_names() -> list[str]:
    """The names of the FHIRPath functions."""
    return [*_OPERATORS, *_SLICES, *METHODS]


# -- texts and numbers ------------------------------------------------------------------------------------------------


@method("contains")
def _contains(translator: Translator, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
    """Whether a string contains another string, or a list an element."""
    part = translator.translate(one_argument(arguments, "contains", context))
    if isinstance(receiver.type, ListType | IntervalType):
        return translator.operator("Contains", [receiver, part], context)
    position = translator.operator("PositionOf", [part, receiver], context)
    return translator.operator("GreaterOrEqual", [position, translator.literal(INTEGER, "0")], context)


@method("replace")
def _replace(translator: Translator, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
    """ELM has no Replace: the text is split at the pattern, and joined again with the substitution."""
    if len(arguments) != 2:
        raise TranslationError("replace takes two arguments: the text to find and its replacement", context)
    pattern, substitution = (translator.to_type(translator.translate(part), STRING, part) for part in arguments)
    between = translator.operator("Split", [receiver, pattern], context)
    result = translator.operator("Combine", [between, substitution], context)
    unknown = [
        translator.operator("IsNull", [part], context)
        for part in (pattern, substitution)
        if not isinstance(part.node, nodes.Literal)
    ]
    for condition in unknown:
        null = translator.null(STRING)
        result = Typed(nodes.If(condition=condition.node, then=null.node, else_=result.node), STRING)
    return result


@method("sqrt")
def _sqrt(translator: Translator, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
    if arguments:
        raise TranslationError("sqrt takes no arguments", context)
    return translator.operator("Power", [receiver, translator.literal(DECIMAL, "0.5")], context)


# -- any values -------------------------------------------------------------------------------------------------------


@method("hasValue")
def _has_value(translator: Translator, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
    return negation(translator, translator.operator("IsNull", [receiver], context), context)


@method("isDistinct")
def _is_distinct(translator: Translator, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
    distinct = translator.operator("Distinct", [receiver], context)
    counts = [translator.operator("Count", [values], context) for values in (receiver, distinct)]
    return translator.operator("Equal", counts, context)


@method("as")
def _as(translator: Translator, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
    return translator.cast(receiver, named_type(translator, one_argument(arguments, "as", context)))


@method("is")
def _is(translator: Translator, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
    return translator.is_of(receiver, named_type(translator, one_argument(arguments, "is", context)))


@method("combine")
def _combine(translator: Translator, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
    other = translator.translate(one_argument(arguments, "combine", context))
    (left, right), type_ = translator.unified([receiver, other], [context, context])
    return Typed(nodes.Flatten(operand=nodes.List(element=[left.node, right.node])), type_)


@method("memberOf")
def _member_of(translator: Translator, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
    value_set = translator.translate(one_argument(arguments, "memberOf", context))
    if value_set.type not in (VALUE_SET, CODE_SYSTEM):
        message = 'memberOf needs the name of a declared value set or code system: memberOf("name")'
        raise TranslationError(message, arguments[0])
    return membership(translator, receiver, value_set, context)


@method("extension")
def _extension(translator: Translator, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
    """The extensions of a FHIR element with a given url (FHIR, Additional functions)."""
    url = translator.translate(one_argument(arguments, "extension", context))
    extensions = member(translator, receiver, "extension", context)
    if not isinstance(extensions.type, ListType):
        raise TranslationError(f"{receiver.type} has no extensions", context)
    this = Typed(nodes.AliasRef(name="$this"), extensions.type.element)
    same = translator.operator("Equal", [member(translator, this, "url", context), url], context)
    source = nodes.AliasedQuerySource(alias="$this", expression=extensions.node)
    return Typed(nodes.Query(source=[source], where=same.node), extensions.type)


@method("children")
def _children(translator: Translator, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
    return call_children(translator, [receiver, *map(translator.translate, arguments)], context)


@method("descendents", "descendants")
def _descendents(translator: Translator, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
    return call_descendents(translator, [receiver, *map(translator.translate, arguments)], context)


@method("trace")
def _trace(translator: Translator, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
    """A trace message: the name, and the receiver or a projection of it as text. Lists have no text."""
    if len(arguments) not in (1, 2):
        raise TranslationError("trace takes a name and an optional projection", context)
    name = translator.translate(arguments[0])
    traced = receiver
    if len(arguments) == 2:
        traced = select(translator, receiver, arguments[1:], context)
    try:
        text = translator.operator("ToString", [traced], context)
    except TranslationError:
        text = translator.null(STRING)
    on, severity = translator.literal(BOOLEAN, "true"), translator.literal(STRING, "Trace")
    return translator.operator("Message", [receiver, on, name, severity, text], context)


# -- functions --------------------------------------------------------------------------------------------------------


@method("iif")
def _iif(translator: Translator, receiver: Typed, arguments: list[Context], context: Context) -> Typed:
    """`iif` on one value, which is `$this`; in older editions the receiver is the condition (`X.iif(Y, Z)`)."""
    if isinstance(receiver.type, ListType):
        raise TranslationError("iif cannot be called on a list", context)
    if receiver.type == BOOLEAN and len(arguments) < 3:
        return _conditional(translator, [receiver, *map(translator.translate, arguments)], context)
    query, scope, _ = over(receiver)
    query.source[0].expression = receiver.node
    with translator.scope(scope):
        value = _conditional(translator, [translator.translate(argument) for argument in arguments], context)
    query.return_ = nodes.ReturnClause(distinct=False, expression=value.node)
    return Typed(query, value.type)


def _conditional(translator: Translator, operands: list[Typed], context: Context) -> Typed:
    if len(operands) not in (2, 3):
        raise TranslationError("iif takes a condition, a result, and an optional other result", context)
    condition = translator.to_type(operands[0], BOOLEAN, context)
    otherwise = operands[2] if len(operands) == 3 else Typed(nodes.Null(), ANY)
    (then, otherwise), type_ = translator.unified([operands[1], otherwise], [context, context])
    return Typed(nodes.If(condition=condition.node, then=then.node, else_=otherwise.node), type_)


@called("Children")
def call_children(translator: Translator, operands: list[Typed], context: Context) -> Typed:
    return _elements(translator, "Children", operands, context)


@called("Descendents")
def call_descendents(translator: Translator, operands: list[Typed], context: Context) -> Typed:
    return _elements(translator, "Descendents", operands, context)


def _elements(translator: Translator, operator: str, operands: list[Typed], context: Context) -> Typed:
    """All elements of values of System types. From data, only elements that the logic names are read."""
    for operand in operands:
        type_ = operand.type.element if isinstance(operand.type, ListType) else operand.type
        if isinstance(type_, NamedType) and type_.model != "System":
            raise TranslationError(f"the elements of {type_} cannot be enumerated; name the elements you need", context)
    return translator.operator(operator, operands, context)


@called("iif")
def call_iif(translator: Translator, operands: list[Typed], context: Context) -> Typed:
    return _conditional(translator, operands, context)


@called("now")
def call_now(translator: Translator, operands: list[Typed], context: Context) -> Typed:
    return translator.operator("Now", operands, context)


@called("today")
def call_today(translator: Translator, operands: list[Typed], context: Context) -> Typed:
    return translator.operator("Today", operands, context)


@called("timeOfDay")
def call_time_of_day(translator: Translator, operands: list[Typed], context: Context) -> Typed:
    return translator.operator("TimeOfDay", operands, context)
