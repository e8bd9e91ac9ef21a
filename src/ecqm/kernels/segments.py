"""Segments (consecutive runs of rows, one run per outer row) and keys (integers that stand for values).

n segments are described by `offsets` (n + 1, non-decreasing, from 0): segment i has the rows offsets[i]:offsets[i + 1].
The equivalent `parents` (non-decreasing) has for each row the segment that it belongs to. Segments may be empty;
numpy's `reduceat` gives wrong results for those, so results are scattered instead.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ecqm.kernels.arrays import Mask, Rows


def offsets_of_lengths(lengths: npt.NDArray[np.integer]) -> Rows:
    """Offsets (n + 1) of segments with these lengths (n)."""
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def offsets_of_parents(parents: Rows, n: int) -> Rows:
    """Offsets (n + 1) of the segments that non-decreasing `parents` (one per row) describe."""
    return offsets_of_lengths(np.bincount(parents, minlength=n)) if len(parents) else np.zeros(n + 1, np.int64)


def parents_of_offsets(offsets: Rows) -> Rows:
    """The segment of each row, non-decreasing."""
    return np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))


def gather(offsets: Rows, segments: Rows) -> tuple[Rows, Rows]:
    """Lay the given `segments` end to end: their new offsets, and for each new row its row in the original.

    A negative number stands for an empty segment.
    """
    lengths = np.diff(offsets)
    if len(lengths) == 0:
        return np.zeros(len(segments) + 1, np.int64), np.zeros(0, np.int64)
    picked = np.where(segments < 0, 0, lengths[segments])
    new_offsets = offsets_of_lengths(picked)
    starts = np.where(segments < 0, 0, offsets[:-1][segments])
    rows = np.repeat(starts - new_offsets[:-1], picked) + np.arange(new_offsets[-1])
    return new_offsets, rows


def any_within(mask: Mask, parents: Rows, n: int) -> Mask:
    """Per segment, whether `mask` holds in any of its rows."""
    found = np.zeros(n, np.bool_)
    found[parents[mask]] = True
    return found


def count_within(mask: Mask, parents: Rows, n: int) -> Rows:
    """Per segment, in how many of its rows `mask` holds."""
    return np.bincount(parents[mask], minlength=n).astype(np.int64)


def first_within(mask: Mask, parents: Rows, n: int) -> Rows:
    """Per segment, the first of its rows in which `mask` holds; -1 if there is none."""
    rows = np.flatnonzero(mask)[::-1]
    first = np.full(n, -1, np.int64)
    first[parents[rows]] = rows  # of several rows of a segment, the last one assigned stays
    return first


def positions_within(parents: Rows, n: int) -> Rows:
    """For each row its position in its segment, from 0."""
    return np.arange(len(parents)) - offsets_of_parents(parents, n)[parents]


def interleave(first: Rows, second: Rows) -> tuple[Rows, Rows, Rows]:
    """Join two sequences of n segments, given by their offsets: segment i has the rows of `first`'s i, then `second`'s.

    Returns the joined offsets, and the new positions of the rows of `first` and of `second`.
    """
    offsets = first + second
    to_first = np.arange(first[-1]) + np.repeat(second[:-1], np.diff(first))
    to_second = np.arange(second[-1]) + np.repeat(first[1:], np.diff(second))
    return offsets, to_first, to_second


def first_occurrences(keys: Rows) -> Mask:
    """Mask of the rows whose key occurs in no earlier row."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.ones(len(keys), np.bool_)
    starts[1:] = ordered[1:] != ordered[:-1]
    first = np.zeros(len(keys), np.bool_)
    first[order[starts]] = True
    return first


def densify(keys: npt.NDArray[np.int64]) -> tuple[Rows, int]:
    """Renumber keys to 0..count-1, in their order and without gaps, and the count of different keys."""
    if len(keys) == 0:
        return np.zeros(0, np.int64), 0
    low = int(keys.min())
    span = int(keys.max()) - low + 1
    if span <= 4 * len(keys) + 1024:
        # In a small span, marking the keys that occur is faster than sorting them.
        seen = np.zeros(span, np.bool_)
        seen[keys - low] = True
        number = np.cumsum(seen) - 1
        return number[keys - low], int(number[-1]) + 1
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.zeros(len(keys), np.int64)
    starts[1:] = ordered[1:] != ordered[:-1]
    dense = np.empty(len(keys), np.int64)
    dense[order] = np.cumsum(starts)
    return dense, int(starts.sum()) + 1


def representatives(keys: Rows) -> tuple[Rows, Rows]:
    """For each different key (in key order) a row that has it, and for each row the number of its key."""
    dense, count = densify(keys)
    rows = np.zeros(count, np.int64)
    rows[dense] = np.arange(len(dense))
    return rows, dense


def distinct(keys: npt.NDArray[np.integer]) -> tuple[Rows, Rows]:
    """The different keys in order, and for each row the place of its own among them."""
    wide = keys.astype(np.int64, copy=False)
    rows, dense = representatives(wide)
    return wide[rows], dense


def occurs_in(keys: Rows, others: Rows) -> Mask:
    """Whether each of `keys` occurs among `others`; all are dense numbers from 0, as `densify` makes them."""
    occurs = np.zeros(max(int(keys.max(initial=-1)), int(others.max(initial=-1))) + 1, np.bool_)
    occurs[others] = True
    return occurs[keys]


def segment_keys(offsets: Rows, keys: Rows) -> Rows:
    """A key per segment from the keys of its rows: the same for segments that agree row by row."""
    lengths = np.diff(offsets)
    # Segments of one length end at the same position, so that only keys among those of one length need to differ.
    combined = np.zeros(len(lengths), np.int64)
    dense, radix = densify(keys)
    longer = np.flatnonzero(lengths)
    position = 0
    while len(longer):
        combined[longer] = densify(combined[longer] * radix + dense[offsets[longer] + position])[0]
        position += 1
        longer = longer[lengths[longer] > position]
    return combine_keys(lengths, combined)


def combine_keys(*parts: npt.NDArray[np.int64]) -> Rows:
    """One dense key per row from several: two rows have the same key exactly if they agree in all `parts`."""
    combined = densify(parts[0])[0]
    for part in parts[1:]:
        dense, more = densify(part)
        combined = densify(combined * more + dense)[0]
    return combined
