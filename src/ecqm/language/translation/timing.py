"""Timing phrases (Author's Guide, Timing Relationships; Translation Semantics, Timing Phrases).

A phrase names a relation between two operands. Other words select a boundary of an operand ('starts', 'end of'), a
precision ('day of') and an offset ('3 days or less').
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ecqm.elm import nodes
from ecqm.language.diagnostics import CqlError
from ecqm.language.translation.core import Context, Typed, word
from ecqm.language.translation.operators import OperatorTranslator, compared_to
from ecqm.types import ANY, QUANTITY, ChoiceType, IntervalType, ListType

_BOUNDARIES = {"starts": "Start", "ends": "End", "start": "Start", "end": "End"}


@dataclass(frozen=True, slots=True)
class _Offset:
    """An offset: `direction` is 'more', 'less', or None for exactly; `inclusive` includes the amount itself."""

    amount: nodes.Quantity
    direction: str | None
    inclusive: bool


class TimingTranslator(OperatorTranslator):
    """Translates timing phrases, durations and differences."""

    def visit_TimingExpression(self, context: Context) -> Typed:
        left, right = (self.translate(operand) for operand in context.expression())
        phrase = context.timingPhrase()
        kind = type(phrase).__name__.removesuffix("Context")
        words = _words(phrase)
        if words[0] in ("starts", "ends") and kind != "StartsOrEndsPhrase":
            left = self._boundary(_BOUNDARIES[words[0]], left, context)
        if words[-1] in ("start", "end"):
            right = self._boundary(_BOUNDARIES[words[-1]], right, context)
        result: Typed = getattr(self, f"_{kind}")(phrase, words, left, right, context)
        return result

    def _boundary(self, name: str, operand: Typed, context: Context) -> Typed:
        return self.operator(name, [operand], context)

    def _precision(self, phrase: Context) -> dict[str, Any]:
        """The precision attribute of the operator, if the phrase names a precision."""
        specified = phrase.precisionOf()
        return {} if specified is None else compared_to(specified.precision())

    def _ConcurrentPhrase(
        self, phrase: Context, words: list[str], left: Typed, right: Typed, context: Context
    ) -> Typed:
        precision = phrase.precision()
        attributes = {} if precision is None else compared_to(precision)
        if phrase.OR_BEFORE() is not None:
            name = "SameOrBefore"
        elif phrase.OR_AFTER() is not None:
            name = "SameOrAfter"
        else:
            name = "SameAs"
        return self.operator(name, [left, right], context, **attributes)

    def _IncludesPhrase(self, phrase: Context, words: list[str], left: Typed, right: Typed, context: Context) -> Typed:
        proper = "properly" in words
        is_point = self._is_point(right, null_is_point=proper)
        if is_point:
            name = "ProperContains" if proper else "Contains"
        else:
            name = "ProperIncludes" if proper else "Includes"
            right = self._null_as(left, right)
        return self.operator(name, [left, right], context, **self._precision(phrase))

    def _IncludedInPhrase(
        self, phrase: Context, words: list[str], left: Typed, right: Typed, context: Context
    ) -> Typed:
        proper = "properly" in words
        if self._is_point(left, null_is_point=proper):
            name = "ProperIn" if proper else "In"
        else:
            name = "ProperIncludedIn" if proper else "IncludedIn"
            left = self._null_as(right, left)
        return self.operator(name, [left, right], context, **self._precision(phrase))

    def _is_point(self, value: Typed, *, null_is_point: bool) -> bool:
        """Whether a value is a point or an element, and not an interval or a list.

        A null may be either. In the HL7 suite it is a whole list after `includes` (IncludesNullRight) and an element
        after `properly includes` (ProperContainsNullRightTrue). For intervals the result is null in both cases.
        """
        if isinstance(value.type, IntervalType | ListType):
            return False
        if value.type == ANY:
            return null_is_point
        return not any(
            isinstance(type_, IntervalType | ListType) for type_ in self.models.conversions.targets(value.type)
        )

    def _null_as(self, whole: Typed, value: Typed) -> Typed:
        """Cast an untyped null to the type of the list or interval that it is compared with."""
        if value.type == ANY and isinstance(whole.type, IntervalType | ListType):
            return self.cast(value, whole.type)
        return value

    def _converts_to_interval(self, value: Typed) -> bool:
        return any(isinstance(type_, IntervalType) for type_ in self.models.conversions.targets(value.type))

    def _MeetsOrOverlapsPhrase(
        self, phrase: Context, words: list[str], left: Typed, right: Typed, context: Context
    ) -> Typed:
        side = words[1].capitalize() if len(words) > 1 and words[1] in ("before", "after") else ""
        return self.operator(f"{words[0].capitalize()}{side}", [left, right], context, **self._precision(phrase))

    def _StartsOrEndsPhrase(
        self, phrase: Context, words: list[str], left: Typed, right: Typed, context: Context
    ) -> Typed:
        return self.operator(words[0].capitalize(), [left, right], context, **self._precision(phrase))

    # ------------------------------------------------------------------------------------------ before, after

    def _BeforeOrAfterPhrase(
        self, phrase: Context, words: list[str], left: Typed, right: Typed, context: Context
    ) -> Typed:
        relation = phrase.temporalRelation()
        before = "before" in _words(relation)
        inclusive = relation.ON_OR() is not None or relation.OR_ON() is not None
        attributes = self._precision(phrase)
        if phrase.quantityOffset() is None:
            side = "Before" if before else "After"
            name = f"SameOr{side}" if inclusive else side
            return self.operator(name, [left, right], context, **attributes)
        offset = self._offset(phrase.quantityOffset())
        if isinstance(left.type, IntervalType):
            left = self._boundary("End" if before else "Start", left, context)
        if isinstance(right.type, IntervalType):
            right = self._boundary("Start" if before else "End", right, context)
        if offset.direction == "less":
            return self._within_offset(left, right, offset, before, inclusive, attributes, context)
        limit = self._moved(right, offset.amount, before, context)
        if offset.direction is None:
            name = "SameAs"
            if inclusive:
                name = "SameOrBefore" if before else "SameOrAfter"
        elif offset.inclusive:
            name = "SameOrBefore" if before else "SameOrAfter"
        else:
            name = "Before" if before else "After"
        return self.operator(name, [left, limit], context, **attributes)

    def _offset(self, context: Context) -> _Offset:
        amount = self.quantity(context.quantity())
        if context.OR_MORE() is not None or context.MORE_THAN() is not None:
            return _Offset(amount, "more", context.OR_MORE() is not None)
        if context.OR_LESS() is not None or context.LESS_THAN() is not None:
            return _Offset(amount, "less", context.OR_LESS() is not None)
        return _Offset(amount, None, True)

    def _moved(self, point: Typed, amount: nodes.Quantity, earlier: bool, context: Context) -> Typed:
        return self.operator("Subtract" if earlier else "Add", [point, Typed(amount, QUANTITY)], context)

    def _within_offset(
        self,
        left: Typed,
        right: Typed,
        offset: _Offset,
        before: bool,
        inclusive: bool,
        attributes: dict[str, Any],
        context: Context,
    ) -> Typed:
        """`A 3 days or less before B`: A is in the interval between B - 3 days and B."""
        limit = self._moved(right, offset.amount, before, context)
        if before:
            low, high, low_closed, high_closed = limit, right, offset.inclusive, inclusive
        else:
            low, high, low_closed, high_closed = right, limit, inclusive, offset.inclusive
        return self._in_interval(left, low, high, low_closed, high_closed, right, attributes, context)

    def _in_interval(
        self,
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
        typed = self.record_type(Typed(interval, IntervalType(low.type)))
        inside = self.operator("In", [point, typed], context, **attributes)
        if not (low_closed or high_closed):
            return inside
        known = self.negation(self.operator("IsNull", [anchor], context), context)
        return self.operator("And", [inside, known], context)

    def _WithinPhrase(self, phrase: Context, words: list[str], left: Typed, right: Typed, context: Context) -> Typed:
        amount = self.quantity(phrase.quantity())
        closed = "properly" not in words
        if isinstance(right.type, IntervalType):
            start = self._boundary("Start", right, context)
            end = self._boundary("End", right, context)
        else:
            start = end = right
        low = self._moved(start, amount, True, context)
        high = self._moved(end, amount, False, context)
        if not isinstance(left.type, IntervalType):
            anchor = start
            return self._in_interval(left, low, high, closed, closed, anchor, {}, context)
        interval = nodes.Interval(low=low.node, high=high.node, lowClosed=closed, highClosed=closed)
        typed = self.record_type(Typed(interval, IntervalType(low.type)))
        return self.operator("IncludedIn", [left, typed], context)

    # ------------------------------------------------------------------------------------------ durations

    def visit_DurationBetweenExpression(self, context: Context) -> Typed:
        return self._between("DurationBetween", context)

    def visit_DifferenceBetweenExpression(self, context: Context) -> Typed:
        return self._between("DifferenceBetween", context)

    def _between(self, name: str, context: Context) -> Typed:
        operands = [self.translate(term) for term in context.term()]
        return self.operator(name, operands, context, precision=_unit(context))

    def visit_PrecisionOfTerm(self, context: Context) -> Typed:
        name = f"{word(context, 0).capitalize()}Between"
        operand = self.translate(context.term())
        if not isinstance(operand.type, IntervalType | ChoiceType) and not self._converts_to_interval(operand):
            raise CqlError(f"'{word(context, 0)} in' needs an interval, found {operand.type}", context)
        bounds = [self._boundary("Start", operand, context), self._boundary("End", operand, context)]
        return self.operator(name, bounds, context, precision=_unit(context))


def _words(context: Context) -> list[str]:
    return [word(context, at) for at in range(context.getChildCount())]


def _unit(context: Context) -> str:
    plural = str(context.pluralPrecision().getText())
    return plural.removesuffix("s").capitalize()
