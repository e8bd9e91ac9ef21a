"""Lists: rows of any number of elements."""

from __future__ import annotations

from ecqm.columns import from_values
from ecqm.terminology import CodeIndex


def test_keys_of_lists_take_as_long_as_there_are_elements() -> None:
    many, long = 20_000, 20_000
    lists = from_values([(1, 2)] * many + [tuple(range(long))] * 2, CodeIndex())
    keys = lists.keys()
    assert len(set(keys[:many].tolist())) == 1
    assert keys[many] == keys[many + 1] != keys[0]
