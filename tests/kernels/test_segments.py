"""Segments and keys, compared with what plain Python makes of lists."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ecqm.kernels.segments import (
    any_within,
    combine_keys,
    count_within,
    densify,
    distinct,
    first_occurrences,
    first_within,
    gather,
    interleave,
    occurs_in,
    offsets_of_lengths,
    offsets_of_parents,
    parents_of_offsets,
    positions_within,
    representatives,
)

lengths = st.lists(st.integers(0, 4), max_size=8)
small = st.lists(st.integers(-3, 3), max_size=20)
far = st.lists(st.sampled_from([-(2**60), -1, 0, 5, 2**60]), max_size=20)


def ints(values: list[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(values, np.int64)


@given(lengths)
def test_offsets_and_parents_tell_the_same(counts: list[int]) -> None:
    offsets = offsets_of_lengths(ints(counts))
    assert offsets.tolist() == [sum(counts[:at]) for at in range(len(counts) + 1)]
    assert offsets_of_parents(parents_of_offsets(offsets), len(counts)).tolist() == offsets.tolist()


@given(lengths, st.data())
def test_gather_lays_segments_end_to_end(counts: list[int], data: st.DataObject) -> None:
    offsets = offsets_of_lengths(ints(counts))
    picked = data.draw(st.lists(st.integers(-1, len(counts) - 1), max_size=6))
    new_offsets, rows = gather(offsets, ints(picked))
    segments = [[] if at < 0 else list(range(offsets[at], offsets[at + 1])) for at in picked]
    assert rows.tolist() == [row for segment in segments for row in segment]
    assert np.diff(new_offsets).tolist() == [len(segment) for segment in segments]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=6))
def test_interleave_joins_pairwise(pairs: list[tuple[int, int]]) -> None:
    first, second = (offsets_of_lengths(ints([pair[side] for pair in pairs])) for side in (0, 1))
    offsets, to_first, to_second = interleave(first, second)
    joined = np.zeros(offsets[-1], np.int64)
    joined[to_first] = 1
    joined[to_second] = 2
    expected = [side for one, other in pairs for side in [1] * one + [2] * other]
    assert joined.tolist() == expected


@given(st.lists(st.lists(st.booleans(), max_size=4), max_size=8))
def test_any_and_count_per_segment(segments: list[list[bool]]) -> None:
    parents = parents_of_offsets(offsets_of_lengths(ints([len(segment) for segment in segments])))
    mask = np.array([value for segment in segments for value in segment], np.bool_)
    assert any_within(mask, parents, len(segments)).tolist() == [any(segment) for segment in segments]
    assert count_within(mask, parents, len(segments)).tolist() == [sum(segment) for segment in segments]
    starts = [sum(map(len, segments[:at])) for at in range(len(segments))]
    expected = [
        start + segment.index(True) if True in segment else -1 for start, segment in zip(starts, segments, strict=True)
    ]
    assert first_within(mask, parents, len(segments)).tolist() == expected
    places = [place for segment in segments for place in range(len(segment))]
    assert positions_within(parents, len(segments)).tolist() == places


@given(st.lists(st.integers(0, 5), max_size=9), st.lists(st.integers(0, 7), max_size=9))
def test_keys_that_occur_in_others(keys: list[int], others: list[int]) -> None:
    assert occurs_in(ints(keys), ints(others)).tolist() == [key in others for key in keys]


@given(small | far)
def test_keys_become_dense_in_their_order(values: list[int]) -> None:
    dense, count = densify(ints(values))
    ordered = sorted(set(values))
    assert dense.tolist() == [ordered.index(value) for value in values]
    assert count == len(ordered)
    different, places = distinct(ints(values))
    assert different[places].tolist() == values
    assert len(set(different.tolist())) == len(different)


@given(small | far)
def test_representatives_have_the_keys_that_they_stand_for(values: list[int]) -> None:
    keys = ints(values)
    rows, place = representatives(keys)
    assert sorted(keys[rows].tolist()) == sorted(set(values))
    assert keys[rows][place].tolist() == values


@given(small | far)
def test_first_occurrences(values: list[int]) -> None:
    assert first_occurrences(ints(values)).tolist() == [value not in values[:at] for at, value in enumerate(values)]


@given(st.lists(st.tuples(st.integers(-2, 2), st.sampled_from([-(2**60), 0, 2**60])), min_size=1, max_size=12))
def test_combined_keys_agree_where_all_parts_do(rows: list[tuple[int, int]]) -> None:
    keys = combine_keys(ints([row[0] for row in rows]), ints([row[1] for row in rows])).tolist()
    for one, key in zip(rows, keys, strict=True):
        assert [other == one for other in rows] == [other_key == key for other_key in keys]
