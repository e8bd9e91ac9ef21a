"""JSON as bytes, many resources at a time: finds what the parser would misread.

The parser of `ecqm.data.parsing.shapes` accepts 5.0 as the integer 5, which FHIR does not, drops digits of numbers that
are too long for it, decodes some pairs of escapes to another character, and crashes when an error message quotes a NUL.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet

import numpy as np

from ecqm.columns import Mask, Rows
from ecqm.kernels.isodates import Bytes

# The most characters of a number that is parsed as it is.
LONGEST_NUMBER = 18
# Enough to hold the key before a number, or before a list of some numbers.
_KEY_WIDTH = 48
_FAR = ""
# The characters of most numbers, with the one that follows, and enough of a key to tell it from most others.
_MOST = 8
_ZERO = ord("0")
_QUOTE = ord('"')

_PART_OF_NUMBER = np.zeros(256, np.bool_)
_PART_OF_NUMBER[np.frombuffer(b"0123456789+-.eE", np.uint8)] = True


def count_quotes(text: Bytes) -> int:
    """How many quotes there are that begin or end a string."""
    return int(np.count_nonzero(text == _QUOTE)) - len(_escaped_quotes(text))


def quotes_in(text: Bytes) -> Rows:
    """The places of the quotes that begin or end a string."""
    return np.setdiff1d(np.flatnonzero(text == _QUOTE), _escaped_quotes(text), assume_unique=True)


def odd_characters(text: Bytes) -> Rows:
    """The places of NULs and of characters written as a pair of escapes; also of some that only look like these."""
    found = [] if text.min(initial=1) else [np.flatnonzero(text == 0)]
    backslashes = _backslashes(text)
    if len(backslashes):
        u, *digits = text[np.minimum(backslashes + np.arange(1, 6)[:, None], len(text) - 1)]
        first, second, third, fourth = (digit | 32 for digit in digits)
        is_null = (first == _ZERO) & (second == _ZERO) & (third == _ZERO) & (fourth == _ZERO)
        is_high = (second == ord("9")) | (second >= ord("a")) | ((second == ord("8")) & (third >= ord("4")))
        found.append(backslashes[(u == ord("u")) & (is_null | ((first == ord("d")) & is_high))])
    return np.concatenate([np.zeros(0, np.int64), *found])


def odd_numbers(text: Bytes, integers: AbstractSet[str]) -> Rows:
    """The places in lines of JSON where a number begins that has more than LONGEST_NUMBER characters, an exponent, or
    a fraction although its key is among `integers`; also places in strings that look like that."""
    starts = _starts(text)
    characters, inside = _numbers(text, starts, _MOST)
    odd = _exponents(characters, inside)
    fractional = ((characters == ord(".")) & inside).any(axis=1)
    longer = np.flatnonzero(inside[:, -1])
    if len(longer):
        characters, inside = _numbers(text, starts[longer], LONGEST_NUMBER + 1)
        odd[longer] = inside[:, -1] | _exponents(characters, inside)
        fractional[longer] = ((characters == ord(".")) & inside).any(axis=1)
    if integers:
        doubtful = np.flatnonzero(fractional)
        doubtful = doubtful[_may_have_key(text, starts[doubtful], integers)]
        odd[doubtful] |= _has_key(text, starts[doubtful], {_FAR, *integers})
    found: Rows = starts[odd]
    return found


def _numbers(text: Bytes, starts: Rows, width: int) -> tuple[Bytes, Mask]:
    """The first characters of each number and what follows it, and which of them are part of the number."""
    characters = text[np.minimum(starts[:, None] + np.arange(width), len(text) - 1)]
    inside: Mask = np.logical_and.accumulate(_PART_OF_NUMBER[characters], axis=1)
    return characters, inside


def _exponents(characters: Bytes, inside: Mask) -> Mask:
    found: Mask = (((characters | 32) == ord("e")) & inside).any(axis=1)
    return found


def _escaped_quotes(text: Bytes) -> Rows:
    backslashes = _backslashes(text)
    if not len(backslashes):
        return backslashes
    # The last backslash of an odd run escapes the next character.
    last = np.append(np.diff(backslashes) > 1, True)
    run = np.diff(np.flatnonzero(last), prepend=-1)
    escaped = backslashes[last][run % 2 == 1] + 1
    found: Rows = escaped[text[escaped] == _QUOTE]
    return found


def _backslashes(text: Bytes) -> Rows:
    found = text == ord("\\")
    # Most texts have none, and to notice that takes less time than to list the places.
    places: Rows = np.flatnonzero(found) if found.any() else np.zeros(0, np.int64)
    return places


def _starts(text: Bytes) -> Rows:
    """The places where numbers begin."""
    after = np.flatnonzero(_before_number(text[:-1])) + 1
    first = text[after]
    starts: Rows = after[((first - np.uint8(_ZERO)) < 10) | (first == ord("-"))]
    before, earlier = text[starts - 1], text[starts - 2]
    # A colon that does not follow a key is in a time of day, a blank that follows a word is in a text ("take 0.5 mg").
    in_string = (before == ord(":")) & (earlier != _QUOTE) & (earlier > ord(" "))
    in_string |= (before <= ord(" ")) & ~_before_number(earlier)
    kept: Rows = starts[~in_string]
    return kept


def _before_number(characters: Bytes) -> Mask:
    """Which characters may be directly before a number."""
    found: Mask = characters <= ord(" ")
    for one in b":,[":
        found |= characters == one
    return found


def _may_have_key(text: Bytes, starts: Rows, keys: AbstractSet[str]) -> Mask:
    """Whether numbers may belong to one of some keys: the key before them ends in the same way, or is not directly
    before them."""
    before = text[np.maximum(starts[:, None] + np.arange(-_MOST, 0), 0)]
    found: Mask = (before[:, -1] != ord(":")) | (before[:, -2] != _QUOTE)
    for key in keys:
        end = np.frombuffer(f'"{key}":'.encode()[-_MOST:], np.uint8)
        found |= (before[:, -len(end) :] == end).all(axis=1)
    return found


def _has_key(text: Bytes, starts: Rows, keys: AbstractSet[str]) -> Mask:
    """Whether numbers belong to one of some keys. _FAR stands for a key that is too far ahead of its number."""
    before = text[np.maximum(starts[:, None] + np.arange(-_KEY_WIDTH, 0), 0)]
    distinct, number = np.unique(before.view(f"S{_KEY_WIDTH}").ravel(), return_inverse=True)
    named = [parts[-2].decode() if len(parts := row.split(b'"')) > 2 else _FAR for row in distinct.tolist()]
    found: Mask = np.array([name in keys for name in named], np.bool_)[number]
    return found
