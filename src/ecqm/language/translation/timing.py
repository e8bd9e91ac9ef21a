"""Timing phrases (Author's Guide, Timing Relationships; Translation Semantics, Timing Phrases).

A phrase names a relation between two operands. Other words select a boundary of an operand ('starts', 'end of'), a
precision ('day of') and an offset ('3 days or less').
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ecqm.elm import nodes
from ecqm.language.diagnostics import TranslationError
from ecqm.language.parse_trees import Context, rule_of, word, words
from ecqm.language.translation.core import Translator
from ecqm.language.translation.operators import compared_to, negation
from ecqm.language.translation.registry import Typed, translates
from ecqm.language.translation.selectors import quantity
from ecqm.types import ANY, QUANTITY, ChoiceType, IntervalType, ListType

_BOUNDARIES = {"starts": "Start", "ends": "End", "start": "Start", "end": "End"}


@dataclass(frozen=True, slots=True)
class Timing:
    """A timing expression: the operands, with their boundaries selected, and the `phrase` between them with its
    `words`. `context` is the expression."""

    translator: Translator
    context: Context
    phrase: Context
    words: list[str]
    left: Typed
    right: Typed

    def operator(self, name: str, operands: list[Typed], **attributes: Any) -> Typed:
        """The call of an operator; see `Translator.operator`."""
        return self.translator.operator(name, operands, self.context, **attributes)

    def related(self, name: str) -> Typed:
        """The call of an operator with the operands, and with the precision that the phrase names."""
        return self.operator(name, [self.left, self.right], **self.precision)

    @property
    def precision(self) -> dict[str, Any]:
        """The precision attribute of the operator, if the phrase names a precision (`day of`)."""
        specified = self.phrase.precisionOf()
        return {} if specified is None else compared_to(specified.precision())


Phrase = Callable[[Timing], Typed]
_PHRASES: dict[str, Phrase] = {}


def phrase_of(rule: str) -> Callable[[Phrase], Phrase]:
    """Register the function that translates a kind of phrase."""

    def register(function: Phrase) -> Phrase:
        _PHRASES[rule] = function
        return function

    return register


@translates("TimingExpression")
def timing_expression(translator: Translator, context: Context) -> Typed:
    left, right = (translator.translate(operand) for operand in context.expression())
    phrase = context.timingPhrase()
    rule = rule_of(phrase)
    said = words(phrase)
    if said[0] in ("starts", "ends") and rule != "StartsOrEndsPhrase":
        left = translator.operator(_BOUNDARIES[said[0]], [left], context)
    if said[-1] in ("start", "end"):
        right = translator.operator(_BOUNDARIES[said[-1]], [right], context)
    return _PHRASES[rule](Timing(translator, context, phrase, said, left, right))


@phrase_of("ConcurrentPhrase")
def concurrent_phrase(timing: Timing) -> Typed:
    precision = timing.phrase.precision()
    attributes = {} if precision is None else compared_to(precision)
    if timing.phrase.OR_BEFORE() is not None:
        name = "SameOrBefore"
    elif timing.phrase.OR_AFTER() is not None:
        name = "SameOrAfter"
    else:
        name = "SameAs"
    return timing.operator(name, [timing.left, timing.right], **attributes)


@phrase_of("IncludesPhrase")
def includes_phrase(timing: Timing) -> Typed:
    proper = "properly" in timing.words
    if _is_point(timing.translator, timing.right, null_is_point=proper):
        return timing.related("ProperContains" if proper else "Contains")
    right = _null_as(timing.translator, timing.left, timing.right)
    return replace(timing, right=right).related("ProperIncludes" if proper else "Includes")


@phrase_of("IncludedInPhrase")
def included_in_phrase(timing: Timing) -> Typed:
    proper = "properly" in timing.words
    if _is_point(timing.translator, timing.left, null_is_point=proper):
        return timing.related("ProperIn" if proper else "In")
    left = _null_as(timing.translator, timing.right, timing.left)
    return replace(timing, left=left).related("ProperIncludedIn" if proper else "IncludedIn")


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


@phrase_of("MeetsOrOverlapsPhrase")
def meets_or_overlaps_phrase(timing: Timing) -> Typed:
    relation, *others = timing.words
    side = others[0].capitalize() if others and others[0] in ("before", "after") else ""
    return timing.related(f"{relation.capitalize()}{side}")


@phrase_of("StartsOrEndsPhrase")
def starts_or_ends_phrase(timing: Timing) -> Typed:
    return timing.related(timing.words[0].capitalize())


# -- offsets ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Offset:
    """An offset: `direction` is 'more', 'less', or None for exactly; `inclusive` includes the amount itself."""

    amount: nodes.Quantity
    direction: str | None
    inclusive: bool


@phrase_of("BeforeOrAfterPhrase")
def before_or_after_phrase(timing: Timing) -> Typed:
    relation = timing.phrase.temporalRelation()
    before = "before" in words(relation)
    inclusive = relation.ON_OR() is not None or relation.OR_ON() is not None
    if timing.phrase.quantityOffset() is None:
        return timing.related(_relation(before, inclusive))
    offset = _offset(timing.translator, timing.phrase.quantityOffset())
    left = _boundary_of(timing, timing.left, "End" if before else "Start")
    right = _boundary_of(timing, timing.right, "Start" if before else "End")
    limit = _moved(timing, right, offset.amount, earlier=before)
    if offset.direction == "less":
        # A 3 days or less before B: A is in the interval between B - 3 days and B.
        earlier, later = (limit, offset.inclusive), (right, inclusive)
        low, high = (earlier, later) if before else (later, earlier)
        return _in_interval(timing, left, low, high, anchor=right, **timing.precision)
    if offset.direction is None:
        name = _relation(before, inclusive=True) if inclusive else "SameAs"
    else:
        name = _relation(before, offset.inclusive)
    return timing.operator(name, [left, limit], **timing.precision)


def _relation(before: bool, inclusive: bool) -> str:
    side = "Before" if before else "After"
    return f"SameOr{side}" if inclusive else side


def _boundary_of(timing: Timing, operand: Typed, name: str) -> Typed:
    """A boundary (`Start` or `End`) of an interval; a point as it is."""
    return timing.operator(name, [operand]) if isinstance(operand.type, IntervalType) else operand


def _offset(translator: Translator, context: Context) -> _Offset:
    amount = quantity(translator, context.quantity())
    if context.OR_MORE() is not None or context.MORE_THAN() is not None:
        return _Offset(amount, "more", context.OR_MORE() is not None)
    if context.OR_LESS() is not None or context.LESS_THAN() is not None:
        return _Offset(amount, "less", context.OR_LESS() is not None)
    return _Offset(amount, None, True)


def _moved(timing: Timing, point: Typed, amount: nodes.Quantity, *, earlier: bool) -> Typed:
    return timing.operator("Subtract" if earlier else "Add", [point, Typed(amount, QUANTITY)])


# A boundary of an interval, and whether it is closed.
_Bound = tuple[Typed, bool]


def _interval(translator: Translator, low: _Bound, high: _Bound) -> Typed:
    node = nodes.Interval(low=low[0].node, high=high[0].node, lowClosed=low[1], highClosed=high[1])
    return translator.typed(node, IntervalType(low[0].type))


def _in_interval(timing: Timing, point: Typed, low: _Bound, high: _Bound, anchor: Typed, **attributes: Any) -> Typed:
    """`point` in an interval around `anchor`; `attributes` are those of In.

    A closed null bound would mean that there is no bound, so a null anchor is excluded explicitly.
    """
    inside = timing.operator("In", [point, _interval(timing.translator, low, high)], **attributes)
    if not (low[1] or high[1]):
        return inside
    known = negation(timing.translator, timing.operator("IsNull", [anchor]), timing.context)
    return timing.operator("And", [inside, known])


@phrase_of("WithinPhrase")
def within_phrase(timing: Timing) -> Typed:
    amount = quantity(timing.translator, timing.phrase.quantity())
    closed = "properly" not in timing.words
    start, end = (_boundary_of(timing, timing.right, name) for name in ("Start", "End"))
    low = _moved(timing, start, amount, earlier=True), closed
    high = _moved(timing, end, amount, earlier=False), closed
    if not isinstance(timing.left.type, IntervalType):
        return _in_interval(timing, timing.left, low, high, anchor=start)
    return timing.operator("IncludedIn", [timing.left, _interval(timing.translator, low, high)])


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
        raise TranslationError(f"'{word(context, 0)} in' needs an interval, found {operand.type}", context)
    bounds = [translator.operator(boundary, [operand], context) for boundary in ("Start", "End")]
    return translator.operator(name, bounds, context, precision=_unit(context))


def _converts_to_interval(translator: Translator, value: Typed) -> bool:
    return any(isinstance(type_, IntervalType) for type_ in translator.models.conversions.targets(value.type))


def _unit(context: Context) -> str:
    plural = str(context.pluralPrecision().getText())
    return plural.removesuffix("s").capitalize()
