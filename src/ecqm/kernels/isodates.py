"""Parsing ISO 8601 dates, date-times and times of day, many texts at a time.

The forms are those of FHIR R4 (`date`, `dateTime`, `instant`, `time`): YYYY, YYYY-MM, YYYY-MM-DD, and with a time
Thh:mm:ss(.f…) followed by Z, an offset ±hh:mm, or, in real records, nothing. Thh and Thh:mm are accepted as well,
because CQL has these precisions. Digits beyond the millisecond are dropped. A malformed text is not `valid`; nothing is
raised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ecqm.kernels.arrays import Mask, Rows
from ecqm.kernels.calendar import (
    DAY,
    HOUR,
    MILLISECOND,
    MINUTE,
    MONTH,
    MS_PER_DAY,
    MS_PER_UNIT,
    SECOND,
    YEAR,
    Instants,
    days_of_months,
)
from ecqm.kernels.dateforms import FORMS, OFFSET_LIMIT, padded_length, words_of

Bytes = npt.NDArray[np.uint8]
# Parses a byte matrix of texts of one length, given with that length, to (low, precision, valid).
PointParser = Callable[[Bytes, int], tuple[Instants, int, Mask]]

# Texts parsed at a time: few enough for intermediate arrays to stay in the processor's cache.
_AT_A_TIME = 8192
# The longest text that is parsed; a date-time with nine digits of a second and an offset has 35 characters.
WIDTH = 40


class ParsedInstants(NamedTuple):
    """n date-times: `low` in local milliseconds since 1970, `offset` in minutes east of UTC where `has_offset`."""

    low: Instants
    precision: npt.NDArray[np.uint8]
    offset: npt.NDArray[np.int16]
    has_offset: Mask
    valid: Mask


class ParsedPoints(NamedTuple):
    """n dates (`low` in days since 1970) or times of day (`low` in milliseconds since midnight)."""

    low: Instants
    precision: npt.NDArray[np.uint8]
    valid: Mask


class FlatTexts(NamedTuple):
    """n texts laid end to end in `data`: text i is data[ends[i]:ends[i + 1]]."""

    data: Bytes
    ends: Rows


Texts = Sequence[str] | FlatTexts


def _count(texts: Texts) -> int:
    return len(texts.ends) - 1 if isinstance(texts, FlatTexts) else len(texts)


def parse_instants(texts: Texts) -> ParsedInstants:
    """Parse date-times of any precision."""
    n = _count(texts)
    found = ParsedInstants(
        low=np.zeros(n, np.int64),
        precision=np.zeros(n, np.uint8),
        offset=np.zeros(n, np.int16),
        has_offset=np.zeros(n, np.bool_),
        valid=np.zeros(n, np.bool_),
    )
    for length, rows, matrix in _by_length(texts):
        if length <= 10:
            days, precision, valid = _dates(matrix, length)
            found.low[rows] = days * MS_PER_DAY
            found.precision[rows] = precision
            found.valid[rows] = valid
        elif len(others := _read_forms(matrix, length, rows, found)):
            _instants_of_length(matrix[others], length, rows[others], found)
    return found


def parse_dates(texts: Texts) -> ParsedPoints:
    """Parse dates of any precision; a date-time is not valid."""
    return _parse_points(texts, 10, _dates)


def parse_times(texts: Texts) -> ParsedPoints:
    """Parse times of day: hh, hh:mm, hh:mm:ss and fractions of the second."""
    return _parse_points(texts, WIDTH, _times)


def _parse_points(texts: Texts, longest: int, parse: PointParser) -> ParsedPoints:
    n = _count(texts)
    found = ParsedPoints(np.zeros(n, np.int64), np.zeros(n, np.uint8), np.zeros(n, np.bool_))
    for length, rows, matrix in _by_length(texts):
        if length <= longest:
            found.low[rows], found.precision[rows], found.valid[rows] = parse(matrix, length)
    return found


def _by_length(texts: Texts) -> Iterator[tuple[int, Rows, Bytes]]:
    """The texts of each length up to WIDTH, in batches: the length, the rows, and a byte matrix with a row for each
    text. The matrix is as wide as whole words; any bytes may follow a text."""
    # Texts of one length have their fields at the same places, so that fields are columns of the matrix.
    if isinstance(texts, FlatTexts):
        lengths, starts = np.diff(texts.ends), texts.ends[:-1]
        data = np.append(texts.data[: texts.ends[-1]], np.zeros(padded_length(1), np.uint8))
    else:
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        data, starts = _byte_matrix(texts).reshape(-1), np.arange(len(texts)) * WIDTH
    for length in np.flatnonzero(np.bincount(np.minimum(lengths, WIDTH + 1))).tolist():
        if not 0 < length <= WIDTH:
            continue
        windows = np.lib.stride_tricks.sliding_window_view(data, padded_length(length))
        every = np.flatnonzero(lengths == length)
        for start in range(0, len(every), _AT_A_TIME):
            rows = every[start : start + _AT_A_TIME]
            yield length, rows, windows[starts[rows]]


def _byte_matrix(texts: Sequence[str]) -> Bytes:
    """The texts as a byte matrix (n, WIDTH), padded with zeros; a longer text is truncated."""
    try:
        rows = np.array(texts, dtype=f"S{WIDTH}")
    except UnicodeEncodeError:
        rows = np.array([text.encode("ascii", "replace") for text in texts], dtype=f"S{WIDTH}")
    return rows.view(np.uint8).reshape(len(texts), WIDTH)


def _read_forms(text: Bytes, length: int, rows: Rows, found: ParsedInstants) -> Rows:
    """Parse the texts that have one of the common forms into `found`; return the places (indices into `rows`) of the
    others, valid or not."""
    places = np.arange(len(rows))
    words = words_of(text)
    for form in FORMS.get(length, ()):
        low, offset, valid = form.read(words)
        target, left = rows[places], places[:0]
        if not valid.all():
            target, low, offset = target[valid], low[valid], offset[valid]
            others = np.flatnonzero(~valid)
            left, words = places[others], words.take(others, axis=1)
        found.low[target] = low
        found.precision[target] = form.precision
        if form.has_offset:
            found.offset[target] = offset
            found.has_offset[target] = True
        found.valid[target] = True
        places = left
        if not len(places):
            break
    return places


def _instants_of_length(text: Bytes, length: int, rows: Rows, found: ParsedInstants) -> None:
    """Parse date-times of one length into `found`, whatever their form."""
    zulu = text[:, length - 1] == ord("Z")
    sign = text[:, length - 6]
    shifted = ~zulu & ((sign == ord("+")) | (sign == ord("-"))) & (length >= 10 + 3 + 6)
    for kind, end in ((zulu, length - 1), (shifted, length - 6), (~zulu & ~shifted, length)):
        at = np.flatnonzero(kind)
        if not len(at):
            continue
        part, target = text[at], rows[at]
        days, _, valid = _dates(part, 10)
        rest, precision, valid_time = _times(part[:, 11:], end - 11)
        valid &= valid_time & (part[:, 10] == ord("T"))
        if end == length - 6:
            hours, ok_hours = _number(part, end + 1, end + 3)
            minutes, ok_minutes = _number(part, end + 4, end + 6)
            offset = hours * 60 + minutes
            valid &= ok_hours & ok_minutes & (part[:, end + 3] == ord(":")) & (offset <= OFFSET_LIMIT) & (minutes < 60)
            found.offset[target] = np.where(valid, np.where(part[:, end] == ord("-"), -offset, offset), 0)
        found.low[target] = days * MS_PER_DAY + rest
        found.precision[target] = precision
        found.has_offset[target] = valid & (end != length)
        found.valid[target] = valid


def _number(text: Bytes, start: int, stop: int) -> tuple[npt.NDArray[np.int64], Mask]:
    """The number written at start:stop, and a mask of the texts that have only digits there."""
    value = np.zeros(len(text), np.int64)
    ok = np.ones(len(text), np.bool_)
    for place in range(start, stop):
        digit = text[:, place] - np.uint8(ord("0"))
        ok &= digit < 10
        value = value * 10 + digit
    return np.where(ok, value, 0), ok


def _dates(text: Bytes, length: int) -> tuple[Instants, int, Mask]:
    if length == 10:
        days, _, valid = FORMS[length][0].read(words_of(text[:, : padded_length(length)]))
        return np.where(valid, days, 0), DAY, valid
    precision = {4: YEAR, 7: MONTH}.get(length)
    if precision is None:
        return np.zeros(len(text), np.int64), YEAR, np.zeros(len(text), np.bool_)
    year, valid = _number(text, 0, 4)
    valid &= year >= 1
    month = np.ones(len(text), np.int64)
    if precision == MONTH:
        month, ok = _number(text, 5, 7)
        valid &= ok & (text[:, 4] == ord("-")) & (month >= 1) & (month <= 12)
    days = days_of_months((year - 1970) * 12 + month - 1)
    return np.where(valid, days, 0), precision, valid


def _times(text: Bytes, length: int) -> tuple[Instants, int, Mask]:
    precision = {2: HOUR, 5: MINUTE, 8: SECOND}.get(length, MILLISECOND)
    if length < 2 or (precision == MILLISECOND and length < 10):
        return np.zeros(len(text), np.int64), HOUR, np.zeros(len(text), np.bool_)
    hour, valid = _number(text, 0, 2)
    valid &= hour < 24
    low = hour * MS_PER_UNIT[HOUR]
    if precision >= MINUTE:
        minute, ok = _number(text, 3, 5)
        valid &= ok & (text[:, 2] == ord(":")) & (minute < 60)
        low += minute * MS_PER_UNIT[MINUTE]
    if precision >= SECOND:
        second, ok = _number(text, 6, 8)
        valid &= ok & (text[:, 5] == ord(":")) & (second < 60)
        low += second * MS_PER_UNIT[SECOND]
    if precision == MILLISECOND:
        written = min(length, 12) - 9
        fraction, ok = _number(text, 9, 9 + written)
        _, all_digits = _number(text, 9, length)
        valid &= ok & all_digits & (text[:, 8] == ord("."))
        low += fraction * 10 ** (3 - written)
    return np.where(valid, low, 0), precision, valid
