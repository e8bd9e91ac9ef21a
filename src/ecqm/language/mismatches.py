"""Messages for operands that no overload of an operator accepts, in the notation of the source.

For `1 + 'a'` the message names `+`, an Integer and a String, and not the ELM operator `Add`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ecqm.language.signatures import Signature
from ecqm.language.system_operators import system_conversions, system_signatures
from ecqm.types import CqlType

# The notation in CQL of ELM operators that are not written as functions: between operands, or before one operand.
_BETWEEN = {
    "Add": "+", "Concatenate": "+", "Subtract": "-", "Multiply": "*", "Divide": "/", "TruncatedDivide": "div",
    "Modulo": "mod", "Power": "^", "Equal": "=", "Equivalent": "~", "Less": "<", "LessOrEqual": "<=", "Greater": ">",
    "GreaterOrEqual": ">=", "And": "and", "Or": "or", "Xor": "xor", "Implies": "implies", "Union": "union",
    "Intersect": "intersect", "Except": "except", "In": "in", "ProperIn": "properly in", "Contains": "contains",
    "ProperContains": "properly contains", "Includes": "includes", "ProperIncludes": "properly includes",
    "IncludedIn": "included in", "ProperIncludedIn": "properly included in", "Before": "before", "After": "after",
    "SameAs": "same as", "SameOrBefore": "same or before", "SameOrAfter": "same or after", "Overlaps": "overlaps",
    "OverlapsBefore": "overlaps before", "OverlapsAfter": "overlaps after", "Meets": "meets",
    "MeetsBefore": "meets before", "MeetsAfter": "meets after", "Starts": "starts", "Ends": "ends",
}  # fmt: skip
_FIRST = {
    "Not": "not", "Negate": "-", "Exists": "exists", "Start": "start of", "End": "end of", "Width": "width of",
    "Successor": "successor of", "Predecessor": "predecessor of", "PointFrom": "point from",
    "SingletonFrom": "singleton from", "DateFrom": "date from", "TimeFrom": "time from",
    "TimezoneOffsetFrom": "timezoneoffset from", "Distinct": "distinct", "Flatten": "flatten", "Collapse": "collapse",
    "Expand": "expand",
}  # fmt: skip
# Operators that share a notation, each for different types.
_SHARING = dict.fromkeys(("Concatenate", "Add"), ("Concatenate", "Add"))

_ORDINALS = ("first", "second", "third", "fourth", "fifth")
_MOST_EXPECTED = 6


def mismatch(name: str, given: Sequence[CqlType], source: str) -> tuple[str, list[str]]:
    """The message for operands of the types `given`, and the accepted signatures if there are only a few.

    `source` is the text of the call; it tells `a in b` from `In(a, b)`.
    """
    is_call = source.startswith(f"{name}(")
    written = name if is_call else _BETWEEN.get(name) or _FIRST.get(name) or name
    types = ", ".join(map(str, given))
    message = f"{name if written == name else repr(written)} cannot be applied to ({types})"
    names = _SHARING.get(name, (name,))
    signatures = [signature for each in names for signature in system_signatures().get(each, ())]
    advice = list(dict.fromkeys(_conversions(signatures, given)))[:2]
    if advice:
        return f"{message}; convert {', or '.join(advice)}", []
    expected = [_shown(signature, is_call) for signature in signatures]
    return message, expected if len(expected) <= _MOST_EXPECTED else []


def _conversions(signatures: Sequence[Signature], given: Sequence[CqlType]) -> Iterator[str]:
    """For overloads that only one operand does not fit: how to convert that operand."""
    known = system_conversions()
    for signature in signatures:
        if len(signature.operands) != len(given):
            continue
        unfit = [at for at, pair in enumerate(zip(given, signature.operands, strict=True)) if pair[0] != pair[1]]
        if len(unfit) == 1 < len(given):
            at = unfit[0]
            operator, implicit = known.get((given[at], signature.operands[at]), ("", True))
            if not implicit:
                yield f"the {_ORDINALS[at]} operand with {operator}"


def _shown(signature: Signature, is_call: bool) -> str:
    name, operands = signature.name, [str(operand) for operand in signature.operands]
    if not is_call and name in _BETWEEN and len(operands) == 2:
        return f"{operands[0]} {_BETWEEN[name]} {operands[1]}"
    if not is_call and name in _FIRST and len(operands) == 1:
        return f"{_FIRST[name]} {operands[0]}"
    return str(signature)
