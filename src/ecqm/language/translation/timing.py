"""Timing phrases (Author's Guide, Timing Relationships; Translation Semantics, Timing Phrases).

A phrase names a relation between two operands. Other words select a boundary of an operand ('starts', 'end of'), a
precision ('day of') and an offset ('3 days or less').
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ecqm.elm import nodes
from ecqm.language.diagnostics import CqlError
from ecqm.language.translation.core import Context, Translator, Typed, translates, word
from ecqm.language.translation.operators import compared_to, negation
from ecqm.language.translation.selectors import quantity
from ecqm.types import ANY, QUANTITY, ChoiceType, IntervalType, ListType

_BOUNDARIES = {"starts": "Start", "ends": "End", "start": "Start", "end": "End"}


@dataclass(frozen=True, slots=True)
class _Offset:
    """An offset: `direction` is 'more', 'less', or None for exactly; `inclusive` includes the amount itself."""

    amount: nodes.Quantity
    direction: str | None
    inclusive: bool


Phrase = Callable[[Translator, Context, list[str], Typed, Typed, Context], Typed]
_PHRASES: dict[str, Phrase] = {}


def phrase_of(rule: str) -> Callable[[Phrase], Phrase]:
    """Register the function (translator, phrase, words, left, right, context) -> typed node for a kind of phrase."""

    def register(function: Phrase) -> Phrase:
        _PHRASES[rule] = function
        return function

    return register


@translates("TimingExpression")
def timing_expression(translator: Translator, context: Context) -> Typed:
    left, right = (translator.translate(operand) for operand in context.expression())
    phrase = context.timingPhrase()
    kind = type(phrase).__name__.removesuffix("Context")
    words = _words(phrase)
    if words[0] in ("starts", "ends") and kind != "StartsOrEndsPhrase":
        left = _boundary(translator, _BOUNDARIES[words[0]], left, context)
    if words[-1] in ("start", "end"):
        right = _boundary(translator, _BOUNDARIES[words[-1]], right, context)
    return _PHRASES[kind](translator, phrase, words, left, right, context)


def _boundary(translator: Translator, name: str, operand: Typed, context: Context) -> Typed:
    return translator.operator(name, [operand], context)


def _precision(phrase: Context) -> dict[str, Any]:
    """The precision attribute of the operator, if the phrase names a precision."""
    specified = phrase.precisionOf()
    return {} if specified is None else compared_to(specified.precision())


@phrase_of("ConcurrentPhrase")
def concurrent_phrase(
    translator: Translator, phrase: Context, words: list[str], left: Typed, right: Typed, context: Context
) -> Typed:
    precision = phrase.precision()
    attributes = {} if precision is None else compared_to(precision)
    if phrase.OR_BEFORE() is not None:
        name = "SameOrBefore"
    elif phrase.OR_AFTER() is not None:
        name = "SameOrAfter"
    else:
        name = "SameAs"
    return translator.operator(name, [left, right], context, **attributes)


@phrase_of("IncludesPhrase")
def includes_phrase(
    translator: Translator, phrase: Context, words: list[str], left: Typed, right: Typed, context: Context
) -> Typed:
    proper = "properly" in words
    is_point = _is_point(translator, right, null_is_point=proper)
    if is_point:
        name = "ProperContains" if proper else "Contains"
    else:
        name = "ProperIncludes" if proper else "Includes"
        right = _null_as(translator, left, right)
    return translator.operator(name, [left, right], context, **_precision(phrase))


@phrase_of("IncludedInPhrase")
def included_in_phrase(
    translator: Translator, phrase: Context, words: list[str], left: Typed, right: Typed, context: Context
) -> Typed:
    proper = "properly" in words
    if _is_point(translator, left, null_is_point=proper):
        name = "ProperIn" if proper else "In"
    else:
        name = "ProperIncludedIn" if proper else "IncludedIn"
        left = _null_as(translator, right, left)
    return translator.operator(name, [left, right], context, **_precision(phrase))


def _is_point(translator: Translator, value: Typed, *, null_is_point: bool) -> bool:
    """Whether a value is a point or an element, and not an interval or a list.

    A null may be either. In the HL7 suite it is a whole list after `includes` (IncludesNullRight) and an element
    after `properly includes` (ProperContainsNullRightTrue). For intervals the result is null in both cases.
    """
    if isinstance(value.type, IntervalType | ListType):
        return False
    if value.type == ANY:
        return null_is_point
    return not any(
        isinstance(type_, IntervalType | ListType) for type_ in translator.models.conversions.targets(value.type)
    )


def _null_as(translator: Translator, whole: Typed, value: Typed) -> Typed:
    """Cast an untyped null to the type of the list or interval that it is compared with."""
    if value.type == ANY and isinstance(whole.type, IntervalType | ListType):
        return translator.cast(value, whole.type)
    return value


def _converts_to_interval(translator: Translator, value: Typed) -> bool:
    return any(isinstance(type_, IntervalType) for type_ in translator.models.conversions.targets(value.type))


@phrase_of("MeetsOrOverlapsPhrase")
def meets_or_overlaps_phrase(
    translator: Translator, phrase: Context, words: list[str], left: Typed, right: Typed, context: Context
) -> Typed:
    side = words[1].capitalize() if len(words) > 1 and words[1] in ("before", "after") else ""
    return translator.operator(f"{words[0].capitalize()}{side}", [left, right], context, **_precision(phrase))


@phrase_of("StartsOrEndsPhrase")
def starts_or_ends_phrase(
    translator: Translator, phrase: Context, words: list[str], left: Typed, right: Typed, context: Context
) -> Typed:
    return translator.operator(words[0].capitalize(), [left, right], context, **_precision(phrase))


# -- before, after ----------------------------------------------------------------------------------------------------


@phrase_of("BeforeOrAfterPhrase")
def before_or_after_phrase(
    translator: Translator, phrase: Context, words: list[str], left: Typed, right: Typed, context: Context
) -> Typed:
    relation = phrase.temporalRelation()
    before = "before" in _words(relation)
    inclusive = relation.ON_OR() is not None or relation.OR_ON() is not None
    attributes = _precision(phrase)
    if phrase.quantityOffset() is None:
        side = "Before" if before else "After"
        name = f"SameOr{side}" if inclusive else side
        return translator.operator(name, [left, right], context, **attributes)
    offset = _offset(translator, phrase.quantityOffset())
    if isinstance(left.type, IntervalType):
        left = _boundary(translator, "End" if before else "Start", left, context)
    if isinstance(right.type, IntervalType):
        right = _boundary(translator, "Start" if before else "End", right, context)
    if offset.direction == "less":
        return _within_offset(translator, left, right, offset, before, inclusive, attributes, context)
    limit = _moved(translator, right, offset.amount, before, context)
    if offset.direction is None:
        name = "SameAs"
        if inclusive:
            name = "SameOrBefore" if before else "SameOrAfter"
    elif offset.inclusive:
        name = "SameOrBefore" if before else "SameOrAfter"
    else:
        name = "Before" if before else "After"
    return translator.operator(name, [left, limit], context, **attributes)


def _offset(translator: Translator, context: Context) -> _Offset:
    amount = quantity(translator, context.quantity())
    if context.OR_MORE() is not None or context.MORE_THAN() is not None:
        return _Offset(amount, "more", context.OR_MORE() is not None)
    if context.OR_LESS() is not None or context.LESS_THAN() is not None:
        return _Offset(amount, "less", context.OR_LESS() is not None)
    return _Offset(amount, None, True)


def _moved(translator: Translator, point: Typed, amount: nodes.Quantity, earlier: bool, context: Context) -> Typed:
    return translator.operator("Subtract" if earlier else "Add", [point, Typed(amount, QUANTITY)], context)


def _within_offset(
    translator: Translator,
    left: Typed,
    right: Typed,
    offset: _Offset,
    before: bool,
    inclusive: bool,
    attributes: dict[str, Any],
    context: Context,
) -> Typed:
    """`A 3 days or less before B`: A is in the interval between B - 3 days and B."""
    limit = _moved(translator, right, offset.amount, before, context)
    if before:
        low, high, low_closed, high_closed = limit, right, offset.inclusive, inclusive
    else:
        low, high, low_closed, high_closed = right, limit, inclusive, offset.inclusive
    return _in_interval(translator, left, low, high, low_closed, high_closed, right, attributes, context)


def _in_interval(
    translator: Translator,
    point: Typed,
    low: Typed,
    high: Typed,
    low_closed: bool,
    high_closed: bool,
    anchor: Typed,
    attributes: dict[str, Any],
    context: Context,
) -> Typed:
    """`point` in an interval around `anchor`.

    A closed null bound would mean that there is no bound, so a null anchor is excluded explicitly.
    """
    interval = nodes.Interval(low=low.node, high=high.node, lowClosed=low_closed, highClosed=high_closed)
    typed = translator.record_type(Typed(interval, IntervalType(low.type)))
    inside = translator.operator("In", [point, typed], context, **attributes)
    if not (low_closed or high_closed):
        return inside
    known = negation(translator, translator.operator("IsNull", [anchor], context), context)
    return translator.operator("And", [inside, known], context)


@phrase_of("WithinPhrase")
def within_phrase(
    translator: Translator, phrase: Context, words: list[str], left: Typed, right: Typed, context: Context
) -> Typed:
    amount = quantity(translator, phrase.quantity())
    closed = "properly" not in words
    if isinstance(right.type, IntervalType):
        start = _boundary(translator, "Start", right, context)
        end = _boundary(translator, "End", right, context)
    else:
        start = end = right
    low = _moved(translator, start, amount, True, context)
    high = _moved(translator, end, amount, False, context)
    if not isinstance(left.type, IntervalType):
        anchor = start
        return _in_interval(translator, left, low, high, closed, closed, anchor, {}, context)
    interval = nodes.Interval(low=low.node, high=high.node, lowClosed=closed, highClosed=closed)
    typed = translator.record_type(Typed(interval, IntervalType(low.type)))
    return translator.operator("IncludedIn", [left, typed], context)


# -- durations --------------------------------------------------------------------------------------------------------


@translates("DurationBetweenExpression")
def duration_between_expression(translator: Translator, context: Context) -> Typed:
    return _between(translator, "DurationBetween", context)


@translates("DifferenceBetweenExpression")
def difference_between_expression(translator: Translator, context: Context) -> Typed:
    return _between(translator, "DifferenceBetween", context)


def _between(translator: Translator, name: str, context: Context) -> Typed:
    operands = [translator.translate(term) for term in context.term()]
    return translator.operator(name, operands, context, precision=_unit(context))


@translates("PrecisionOfTerm")
def precision_of_term(translator: Translator, context: Context) -> Typed:
    name = f"{word(context, 0).capitalize()}Between"
    operand = translator.translate(context.term())
    if not isinstance(operand.type, IntervalType | ChoiceType) and not _converts_to_interval(translator, operand):
        raise CqlError(f"'{word(context, 0)} in' needs an interval, found {operand.type}", context)
    bounds = [_boundary(translator, "Start", operand, context), _boundary(translator, "End", operand, context)]
    return translator.operator(name, bounds, context, precision=_unit(context))


def _words(context: Context) -> list[str]:
    return [word(context, at) for at in range(context.getChildCount())]


def _unit(context: Context) -> str:
    plural = str(context.pluralPrecision().getText())
    return plural.removesuffix("s").capitalize()
