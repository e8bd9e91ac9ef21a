"""Counts added up by Spark are those added up here, in the same order."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from ecqm.cluster.spark.merging import COUNTS, NUMBER, merged_counts
from ecqm.data import DataError
from ecqm.reporting.results.parts import Part


def parts(numbers: range) -> dict[int, Part]:
    return {
        number: Part(
            patients=number,
            errors=[{"patient": str(number)}],
            n_failed=1,
            lifted=Counter({"Like": 1}),
            messages=Counter({("Warning", None, f"seen by {number % 7}"): 1}),
            seconds={"load": 0.5},
        )
        for number in numbers
    }


def frame(session: Any, parts: dict[int, Part]) -> Any:
    rows = [(number, part.to_json()) for number, part in parts.items()]
    return session.createDataFrame(rows[::-1], f"{NUMBER} long, {COUNTS} binary")


@pytest.mark.parametrize("numbers", [range(0), range(3, 4), range(0, 400, 3)])
def test_the_sum_is_that_of_all_in_order(session: Any, numbers: range) -> None:
    expected = Part()
    for part in parts(numbers).values():
        expected.add(part)
    merged = merged_counts(frame(session, parts(numbers)).repartition(5), {})
    assert merged == expected
    assert list(merged.messages) == list(expected.messages)


def test_counts_that_cannot_be_read(session: Any) -> None:
    damaged = session.createDataFrame([(0, b"{")], f"{NUMBER} long, {COUNTS} binary")
    with pytest.raises(DataError, match=r"Spark: .*JSONDecodeError"):
        merged_counts(damaged, {})
