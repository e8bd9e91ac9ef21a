"""Points in time around which the logic of a measure may well draw a line.

They lie in, around and exactly at the edges of the measurement period, or a stated distance from another date of the
patient, and are written as FHIR may have them.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from random import Random
from typing import Any

from vocabulary import Vocabulary

Resource = dict[str, Any]
UNIT_DAYS = {"day": 1.0, "week": 7.0, "month": 30.4375, "year": 365.25, "hour": 1 / 24, "minute": 1 / 1440}


class TimeMaker:
    """Makes dates for the patients of one measure; `record` is what a patient has so far."""

    def __init__(self, words: Vocabulary, period: tuple[date, date], random: Random) -> None:
        self.random = random
        start, end = period
        self.start = datetime(start.year, start.month, start.day, tzinfo=UTC)
        self.end = datetime(end.year, end.month, end.day, 23, 59, 59, 999000, tzinfo=UTC)
        # The stretches of time that the logic names, in days, and the ages.
        self.spans = sorted(
            float(number) * UNIT_DAYS[unit.rstrip("s")]
            for number, unit in words.quantities[""]
            if unit.rstrip("s") in UNIT_DAYS and abs(number) < 1000
        )
        self.ages = sorted({int(n) for n, unit in words.quantities[""] if unit == "1" and 0 < n < 121}) or [18]

    def instant(self, record: list[Resource]) -> datetime:
        """A point in time that the logic may well draw a line at, or near one, or any in the period."""
        choice = self.random.random()
        if choice < 0.4:
            return self.start + (self.end - self.start) * self.random.random()
        known = [found for each in record for found in dates_in(each)]
        anchor = self.random.choice([self.start, self.end] if not known or choice < 0.6 else known)
        span = self.random.choice([0.0, 0.0, *self.spans]) * self.random.choice([-1, 1])
        nudge = self.random.choice([0.0, 0.0, 0.0, 1.0, -1.0, 1 / 24, -1 / 24, 1 / 86_400, -1 / 86_400])
        moved = anchor + timedelta(days=span + nudge)
        return min(max(moved, datetime(1905, 1, 1, tzinfo=UTC)), datetime(2090, 1, 1, tzinfo=UTC))

    def moment(self, record: list[Resource], instant: bool = False) -> str:
        return self.written(self.instant(record), instant)

    def written(self, at: datetime, instant: bool = False) -> str:
        """A point in time as FHIR may have it: by some clock, to some precision."""
        form = self.random.random()
        if form < 0.12 and not instant:
            return at.strftime("%Y-%m-%d")
        if form < 0.14 and not instant:
            return at.strftime("%Y-%m")
        if form < 0.15 and not instant:
            return at.strftime("%Y")
        if form < 0.3:
            at = at.astimezone(timezone(timedelta(minutes=self.random.choice([-300, -480, 330, 60]))))
            return at.isoformat(timespec="milliseconds")
        if form < 0.5:
            return at.strftime("%Y-%m-%dT%H:%M:%SZ")
        return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"

    def period(self, record: list[Resource]) -> Resource:
        start = self.instant(record)
        span = self.random.choice([0.0, 0.01, 0.01, 0.04, 0.5, 1.0, 3.0, 8.0, *self.spans])
        made = {"start": self.written(start), "end": self.written(start + timedelta(days=abs(span)))}
        if self.random.random() < 0.1:
            del made[self.random.choice(["start", "end"])]
        return made

    def birth_date(self) -> str:
        """A day on which somebody of an age that the logic names was born, or the day beside it, or any."""
        if self.random.random() < 0.3:
            return (self.start - timedelta(days=self.random.randrange(0, 36_000))).strftime("%Y-%m-%d")
        anchor = self.random.choice([self.start, self.end])
        age = self.random.choice(self.ages) + self.random.choice([0, 0, 1, 3, 10])
        day = 28 if (anchor.month, anchor.day) == (2, 29) else anchor.day
        born = anchor.replace(year=anchor.year - age, day=day)
        return (born + timedelta(days=self.random.choice([0, 0, 1, -1, 40]))).strftime("%Y-%m-%d")


def dates_in(value: Any) -> list[datetime]:
    """The dates with a time that are anywhere in a resource."""
    if isinstance(value, dict):
        return [found for each in value.values() for found in dates_in(each)]
    if isinstance(value, list):
        return [found for each in value for found in dates_in(each)]
    if isinstance(value, str) and len(value) > 18 and value[4:5] == "-" and value[10:11] == "T":
        try:
            return [datetime.fromisoformat(value)]
        except ValueError:
            return []
    return []
