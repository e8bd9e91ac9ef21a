"""Why other engines evaluate an expression differently: the causes listed in expression_causes.toml.

A cause names the engine and says which expressions show it, by regular expressions that are searched for: `form` in the
form of the expression, `cql` in the expression, `ours` and `theirs` in the two values as JSON; and by a `check` below.
The first cause that fits is taken, so that special ones come first. `why` refers to the specification.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

FILE = Path(__file__).with_suffix(".toml")
UNEXPLAINED = ""
_UNIT = re.compile(r"\d ?('[^']+'|(?:year|month|week|day|hour|minute|second|millisecond)s?\b)")


class Case(NamedTuple):
    """An expression with different values, by the name of the other engine."""

    engine: str
    cql: str
    form: str
    ours: Any
    theirs: Any


@dataclass(frozen=True)
class Cause:
    """Why the values of an engine differ, or those of ecqm on "scalars" and in "columns"; see the module."""

    name: str
    engine: str
    why: str
    form: str = ""
    cql: str = ""
    ours: str = ""
    theirs: str = ""
    check: str = ""

    def explains(self, case: Case) -> bool:
        ours, theirs = json.dumps(case.ours), json.dumps(case.theirs)
        searched = ((self.form, case.form), (self.cql, case.cql), (self.ours, ours), (self.theirs, theirs))
        return (
            self.engine == case.engine
            and all(re.search(pattern, text) for pattern, text in searched)
            and (not self.check or _CHECKS[self.check](case))
        )


@cache
def causes() -> tuple[Cause, ...]:
    """All listed causes, in their order."""
    return tuple(Cause(**each) for each in tomllib.loads(FILE.read_text("utf-8"))["cause"])


def cause_of(case: Case) -> str:
    """The name of the first cause that explains a difference; UNEXPLAINED if none does."""
    return next((cause.name for cause in causes() if cause.explains(case)), UNEXPLAINED)


def _several_units(case: Case) -> bool:
    return len(set(_UNIT.findall(case.cql))) > 1


def _nearly_equal(case: Case) -> bool:
    """Two numbers, or quantities of one unit, that differ after the seventh digit or the seventh decimal place."""
    numbers = []
    for value in (case.ours, case.theirs):
        number, _, unit = str(value).partition(" ")
        try:
            numbers.append((float(number), unit))
        except ValueError:
            return False
    (one, unit), (other, other_unit) = numbers
    return unit == other_unit and abs(one - other) <= 1e-7 * max(1.0, abs(one))


def _other_order(case: Case) -> bool:
    """Lists of the same elements."""
    if not isinstance(case.ours, list) or not isinstance(case.theirs, list):
        return False
    return sorted(map(json.dumps, case.ours)) == sorted(map(json.dumps, case.theirs))


_CHECKS = {"several units": _several_units, "nearly equal": _nearly_equal, "other order": _other_order}
