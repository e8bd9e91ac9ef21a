"""JSON as bytes, many resources at a time: what is written in it that a reader may take otherwise.

The reader of `ecqm.data.shapes` has 5 for the 5.0 that is no integer in FHIR, drops digits of a number that it has no
room for, takes some pairs of escapes for another character, and ends the process over a complaint that quotes a NUL.
"""

from __future__ import annotations

from collections.abc import Set

import numpy as np

from ecqm.columns import Rows
from ecqm.kernels.isodates import Bytes

# Characters of the longest number that is looked at: its digits fit into 64 bits.
LONGEST_NUMBER = 19
# Enough to hold the key before a number, or before a list of some numbers.
_KEY_WIDTH = 48
_FAR = ""
_ZERO = ord("0")

_PART_OF_NUMBER = np.zeros(256, np.bool_)
_PART_OF_NUMBER[np.frombuffer(b"0123456789+-.eE", np.uint8)] = True


def count_quotes(text: Bytes) -> int:
    """How many quotes begin or end a string."""
    quotes = int(np.count_nonzero(text == ord('"')))
    backslashes = _backslashes(text)
    if not len(backslashes):
        return quotes
    # The last of an odd run of backslashes escapes what follows.
    last = np.append(np.diff(backslashes) > 1, True)
    run = np.diff(np.flatnonzero(last), prepend=-1)
    escaped = backslashes[last][run % 2 == 1] + 1
    return quotes - int(np.count_nonzero(text[escaped] == ord('"')))


def has_plain_characters(text: Bytes) -> bool:
    """Is there no NUL, and is no character beyond U+1FFFF written as a pair of escapes? It may be False for what only
    looks like an escape."""
    backslashes = _backslashes(text)
    if not len(backslashes):
        return bool(text.min(initial=1))
    u, *digits = text[np.minimum(backslashes + np.arange(1, 6)[:, None], len(text) - 1)]
    first, second, third, fourth = (digit | 32 for digit in digits)
    is_null = (first == _ZERO) & (second == _ZERO) & (third == _ZERO) & (fourth == _ZERO)
    is_high = (second == ord("9")) | (second >= ord("a")) | ((second == ord("8")) & (third >= ord("4")))
    return not ((u == ord("u")) & (is_null | ((first == ord("d")) & is_high))).any() and bool(text.min())


def has_plain_numbers(text: Bytes, integers: Set[str]) -> bool:
    """Do all numbers in lines of JSON have at most LONGEST_NUMBER characters, none an exponent, and none that is the
    value of a key among `integers` a fraction? It may be False for what is inside strings."""
    starts = _starts(text)
    # Each number, and the character that ends it.
    places = np.minimum(starts[:, None] + np.arange(LONGEST_NUMBER + 1), len(text) - 1)
    characters = text[places]
    inside = np.logical_and.accumulate(_PART_OF_NUMBER[characters], axis=1)
    exponent = (characters | 32) == ord("e")
    if (inside[:, -1] | (exponent & inside).any(axis=1)).any():
        return False
    if not integers:
        return True
    fractional = starts[((characters == ord(".")) & inside).any(axis=1)]
    return _keys(text, fractional).isdisjoint({_FAR, *integers})


def _backslashes(text: Bytes) -> Rows:
    found = text == ord("\\")
    # Most texts have none, and to see that takes less time than to look for their places.
    places: Rows = np.flatnonzero(found) if found.any() else np.zeros(0, np.int64)
    return places


def _starts(text: Bytes) -> Rows:
    """Where numbers begin."""
    first, before = text[1:], text[:-1]
    digit = ((first - np.uint8(ord("0"))) < 10) | (first == ord("-"))
    opened = (before <= ord(" ")) | (before == ord(":")) | (before == ord("[")) | (before == ord(","))
    starts: Rows = np.flatnonzero(digit & opened) + 1
    # A colon after something else than a key is in a time of day.
    of_time = (text[starts - 1] == ord(":")) & (text[starts - 2] != ord('"')) & (text[starts - 2] > ord(" "))
    kept: Rows = starts[~of_time]
    return kept


def _keys(text: Bytes, starts: Rows) -> set[str]:
    """The keys that the numbers at some places are the values of; _FAR for one too far before."""
    before = text[np.maximum(starts[:, None] + np.arange(-_KEY_WIDTH, 0), 0)]
    distinct = np.unique(before.view(f"S{_KEY_WIDTH}"))
    return {parts[-2].decode() if len(parts := row.split(b'"')) > 2 else _FAR for row in distinct.tolist()}
