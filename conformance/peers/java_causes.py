"""Why the Java engine finds something else than ecqm.

What it finds once some of its faults are mended (Mends.java) tells which differences come from these, and lets those be
seen that they hide. The others are listed in java_causes.toml.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from measure_answers import Answer
from mutations import Record
from plain_values import alike, comparable

ERROR = "error"
CAUSES = Path(__file__).with_name("java_causes.toml")
FOLLOWS = "follows from a definition that it refers to"
MISSING = {ERROR: "an error of ecqm"}


@dataclass
class Difference:
    """A definition of which the engines think differently for a patient."""

    measure: str
    definition: str
    patient: str
    ours: Any
    theirs: Any
    cause: str = ""


@dataclass(frozen=True)
class Mend:
    """A fault of the Java engine that can be mended, by its name in Mends.java, and why it is one.

    If the mend has to guess, what still differs is compared without it.
    """

    mend: str
    name: str
    why: str
    guesses: bool = False


@dataclass(frozen=True)
class Cause:
    """Why definitions differ: regular expressions for "Measure Library.Definition", for the values as JSON, and for the
    patient's resources as JSON; with `complement` the values have to add up to 1."""

    name: str
    why: str
    definition: str = ""
    ours: str = ""
    theirs: str = ""
    resources: str = ""
    complement: bool = False

    def explains(self, difference: Difference, resources: str) -> bool:
        """Whether this is the cause of a difference, given the patient's resources as JSON."""
        found = (
            re.search(self.definition, f"{difference.measure} {difference.definition}")
            and re.search(self.ours, json.dumps(difference.ours))
            and re.search(self.theirs, json.dumps(difference.theirs))
            and re.search(self.resources, resources)
        )
        return bool(found) and (not self.complement or _add_up_to_1(difference.ours, difference.theirs))


def _add_up_to_1(*values: Any) -> bool:
    return None not in values and abs(1 - sum(map(float, values))) < 1e-9


@cache
def mends() -> tuple[Mend, ...]:
    """The faults that can be mended, in the order in which this is done."""
    return tuple(Mend(**each) for each in tomllib.loads(CAUSES.read_text("utf-8"))["mend"])


@cache
def causes() -> tuple[Cause, ...]:
    """The causes listed in java_causes.toml; the first that fits is taken."""
    return tuple(Cause(**each) for each in tomllib.loads(CAUSES.read_text("utf-8"))["cause"])


@dataclass
class Compared:
    """What came of a measure: `values` definitions of `patients` were compared, `agree` of them are alike."""

    measure: str
    patients: int = 0
    values: int = 0
    agree: int = 0
    differences: list[Difference] = field(default_factory=list)


def differing(ours: Answer, theirs: Answer) -> dict[str, tuple[Any, Any]]:
    """The definitions that the engines do not agree on, with both values.

    A definition that ecqm reports an error for is in no answer of its own.
    """
    # The Java engine tells of a report only if it fails.
    mine = ours if ERROR in ours else {"report": None, **ours}
    found = {}
    for name, value in theirs.items():
        failed = isinstance(value, dict) and ERROR in value
        same = failed if name not in mine else not failed and alike(comparable(mine[name]), comparable(value))
        if not same:
            found[name] = (mine.get(name, MISSING), value)
    return found


def compared(
    measure: str, record: Record, refers: Mapping[str, AbstractSet[str]], ours: Answer, theirs: Sequence[Answer]
) -> Compared:
    """The definitions of a patient with this record, each difference with its cause.

    `theirs` are the answers of the Java engine as it is and with one mend after another, up to the one that leaves no
    difference; `refers` has the definitions that each definition refers to.
    """
    found = [differing(ours, answer) for answer in theirs]
    for number, mend in enumerate(mends()[: len(found) - 1], 1):
        if mend.guesses:
            found[number] = {name: found[number][name] for name in found[number - 1].keys() & found[number].keys()}
    first, last = found[0], found[-1]
    result = Compared(measure, 1)
    resources = json.dumps(record)
    for name in {**first, **last}:
        remains = name in last
        difference = Difference(measure, name, record[0]["id"], *(last if remains else first)[name])
        if _follows(name, refers, last if remains else first):
            difference.cause = FOLLOWS
        elif remains:
            difference.cause = next((cause.name for cause in causes() if cause.explains(difference, resources)), "")
        else:
            # The last mend without which it differs.
            difference.cause = mends()[max(number for number, each in enumerate(found) if name in each)].name
        result.differences.append(difference)
    result.values = len(theirs[0].keys() | last.keys())
    result.agree = result.values - len(result.differences)
    return result


def _follows(name: str, refers: Mapping[str, AbstractSet[str]], found: Mapping[str, Any]) -> bool:
    part = name.partition("/")[0] if name.startswith("group ") else name
    return bool(found.keys() & (refers.get(part, set()) - {name}))


def together(measure: str, parts: Sequence[Compared]) -> Compared:
    total = Compared(measure, *(sum(getattr(each, name) for each in parts) for name in ("patients", "values", "agree")))
    total.differences = [difference for each in parts for difference in each.differences]
    return total
