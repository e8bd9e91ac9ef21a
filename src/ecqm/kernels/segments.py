"""Segments: n runs of rows laid end to end, described by `offsets` (n + 1, non-decreasing, offsets[0] == 0).

The other description of the same thing is `parents`: for each row the segment it belongs to (non-decreasing).
Empty segments are ordinary, which is why nothing here uses `reduceat` (it misreads them): results are scattered.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def offsets_of_lengths(lengths: npt.NDArray[np.integer]) -> Rows:
    """Offsets (n + 1) of segments with these lengths (n)."""
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def offsets_of_parents(parents: Rows, n: int) -> Rows:
    """Offsets (n + 1) of the segments that non-decreasing `parents` (one per row) describe."""
    return offsets_of_lengths(np.bincount(parents, minlength=n)) if len(parents) else np.zeros(n + 1, np.int64)


def parents_of_offsets(offsets: Rows) -> Rows:
    """For each row its segment, non-decreasing."""
    return np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))


def gather(offsets: Rows, segments: Rows) -> tuple[Rows, Rows]:
    """Offsets of the picked `segments` laid end to end, and for each of their rows its row in the original.

    A negative segment is taken as an empty one.
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
    """Per segment: does any of its rows hold?"""
    found = np.zeros(n, np.bool_)
    found[parents[mask]] = True
    return found


def count_within(mask: Mask, parents: Rows, n: int) -> Rows:
    """Per segment: how many of its rows hold."""
    return np.bincount(parents[mask], minlength=n).astype(np.int64)


def interleave(first: Rows, second: Rows) -> tuple[Rows, Rows, Rows]:
    """Join two lots of segments pairwise: the rows of `first`'s segment i, then those of `second`'s.

    Takes both offsets; returns the joined offsets, and the places that the rows of each go to.
    """
    offsets = first + second
    to_first = np.arange(first[-1]) + np.repeat(second[:-1], np.diff(first))
    to_second = np.arange(second[-1]) + np.repeat(first[1:], np.diff(second))
    return offsets, to_first, to_second


def first_occurrences(keys: Rows) -> Mask:
    """Mask of the rows whose key did not occur in an earlier row."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.ones(len(keys), np.bool_)
    starts[1:] = ordered[1:] != ordered[:-1]
    first = np.zeros(len(keys), np.bool_)
    first[order[starts]] = True
    return first


def densify(keys: npt.NDArray[np.int64]) -> tuple[Rows, int]:
    """Equal keys to equal dense numbers 0..count-1 (in key order), and the count."""
    if len(keys) == 0:
        return np.zeros(0, np.int64), 0
    low = int(keys.min())
    span = int(keys.max()) - low + 1
    if span <= 4 * len(keys) + 1024:
        # A small span needs no sort: mark what occurs and number the marks.
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
    """For each different key a row that has it, and for each row the place of its own key among these."""
    dense, count = densify(keys)
    rows = np.zeros(count, np.int64)
    rows[dense] = np.arange(len(dense))
    return rows, dense


def distinct(keys: npt.NDArray[np.integer]) -> tuple[Rows, Rows]:
    """The different keys, and for each row the place of its own among them."""
    dense, count = densify(keys.astype(np.int64))
    found = np.zeros(count, np.int64)
    found[dense] = keys
    return found, dense


def combine_keys(*parts: npt.NDArray[np.int64]) -> Rows:
    """One dense key per row for the tuple of `parts`: rows agree in it exactly if they agree in every part."""
    combined = densify(parts[0])[0]
    for part in parts[1:]:
        dense, more = densify(part)
        combined = densify(combined * more + dense)[0]
    return combined
