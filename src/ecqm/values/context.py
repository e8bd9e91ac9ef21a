"""The evaluation request: its timestamp, its timezone offset, and its terminology.

Now, Today, and every comparison of DateTimes with different offsets depend on the request (CQL reference, Now and
comparison operators). Comparisons happen deep inside tuples, lists and intervals, so the request is held in a context
variable: `with evaluating(context): …`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ecqm.values.temporal import DateTime


class ValueSetExpansion(Protocol):
    """The members of a value set."""

    @property
    def codes(self) -> frozenset[tuple[str, str]]:
        """As (system, code) pairs."""
        ...


class Terminology(Protocol):
    """What scalar operators ask of a terminology service."""

    def find(self, identifier: str, version: str | None = None) -> ValueSetExpansion | None:
        """The members of a value set; None if it is not available."""
        ...


@dataclass(frozen=True, slots=True)
class EvaluationContext:
    """The timestamp of the request (constant during a run), its offset in minutes east of UTC, and its terminology."""

    now: DateTime
    offset_minutes: int = 0
    terminology: Terminology | None = None

    @classmethod
    def of_this_moment(cls, offset_minutes: int = 0) -> EvaluationContext:
        """A request made now, by the system clock."""
        return cls.of_moment(datetime.now(UTC), offset_minutes)

    @classmethod
    def of_moment(cls, moment: datetime, offset_minutes: int = 0) -> EvaluationContext:
        """A request made at `moment`, which is in UTC."""
        from ecqm.values.temporal import DateTime

        local = moment + timedelta(minutes=offset_minutes)
        date, time = local.date(), local.time()
        clock = (time.hour, time.minute, time.second, time.microsecond // 1000)
        return cls(DateTime(date.year, date.month, date.day, *clock, offset_minutes), offset_minutes)


_current: ContextVar[EvaluationContext | None] = ContextVar("evaluation", default=None)


@contextmanager
def evaluating(context: EvaluationContext) -> Iterator[EvaluationContext]:
    """Everything inside the `with` block is evaluated for the request `context`."""
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)


def current_context() -> EvaluationContext:
    """The request being evaluated; outside any evaluation, a request made now, in UTC."""
    return _current.get() or EvaluationContext.of_this_moment()


def request_offset() -> int:
    """The timezone offset of the request in minutes east of UTC; 0 outside any evaluation."""
    context = _current.get()
    return context.offset_minutes if context is not None else 0
