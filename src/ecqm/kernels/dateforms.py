"""Dates and date-times in the forms that nearly all of them are written in, read eight bytes at a time.

A form is an example of itself with all digits 0, such as `0000-00-00T00:00:00Z`. A text of that length has the form if
its bytes, each XOR that of the form, are at most 9 where there are digits, and 0 elsewhere. (The digits have codes from
0x30 on.) Eight bytes are compared, and made numbers, by a few operations on a 64-bit integer.
"""

from __future__ import annotations

from functools import cache, cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ecqm.kernels.calendar import DAY, HOUR, MILLISECOND, MINUTE, MS_PER_DAY, MS_PER_UNIT, SECOND, days_of_months

# Bytes of n texts in words of eight, the first byte the least: (words, n).
Words = npt.NDArray[np.uint64]
Numbers = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

# Offsets from UTC that FHIR allows, in minutes.
OFFSET_LIMIT = 14 * 60
_WORD = 8
_TEN, _BYTE = np.uint64(10), np.uint64(8)
_HIGH_BITS = np.uint64(0x8080808080808080)
# Where the two digits of a field are; the year has two such pairs.
_CENTURY, _YEAR_OF_CENTURY, _MONTH, _DAY, _HOUR, _MINUTE, _SECOND, _FRACTION = 0, 2, 5, 8, 11, 14, 17, 20


class Read(NamedTuple):
    """What n texts say: `low` in days (of a date) or ms since 1970 on the written clock, `offset` in minutes.

    Anything may stand where a text is not `valid` in this form; it may be in another.
    """

    low: npt.NDArray[np.int64]
    offset: npt.NDArray[np.int16]
    valid: Mask


class Form:
    """A form of dates or date-times."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._length = len(text)
        self.has_time = "T" in text
        self.has_offset = text.endswith("Z") or (self._length > 20 and text[-6] in "+-")
        self.precision = MILLISECOND if "." in text else SECOND if self.has_time else DAY

    @cached_property
    def _words(self) -> tuple[Words, Words, Words]:
        """The form itself, all ones where it has bytes, and what, added to a byte, sets its high bit where it is
        wrong."""
        within = b"\xff" * self._length
        beyond = bytes(0x7F - 9 if byte == ord("0") else 0x7F for byte in self.text.encode())
        form, all_ones, added = (words_of(_padded(part)) for part in (self.text.encode(), within, beyond))
        return form, all_ones, added

    def read(self, words: Words) -> Read:
        """Read texts of the form's length; their last word may have any bytes after them."""
        form, within, beyond = self._words
        digits = (words ^ form) & within
        wrong = np.bitwise_or.reduce((digits + beyond) | digits, axis=0) & _HIGH_BITS
        fields = _Fields(digits)
        days, valid = _days(fields)
        valid &= wrong == 0
        if not self.has_time:
            return Read(days.astype(np.int64), np.zeros(len(days), np.int16), valid)
        hour, minute, second = fields.at(_HOUR), fields.at(_MINUTE), fields.at(_SECOND)
        valid &= (hour < 24) & (minute < 60) & (second < 60)
        rest = hour * np.int32(MS_PER_UNIT[HOUR])
        rest += minute * np.int32(MS_PER_UNIT[MINUTE])
        rest += second * np.int32(MS_PER_UNIT[SECOND])
        if self.precision == MILLISECOND:
            rest += fields.at(_FRACTION) * np.int32(10) + fields.digit(_FRACTION + 2)
        low = days.astype(np.int64)
        low *= MS_PER_DAY
        low += rest
        if not self.has_offset or self.text.endswith("Z"):
            return Read(low, np.zeros(len(days), np.int16), valid)
        minutes = fields.at(self._length - 2)
        offset = fields.at(self._length - 5) * np.int16(60) + minutes
        valid &= (minutes < 60) & (offset <= OFFSET_LIMIT)
        return Read(low, -offset if self.text[-6] == "-" else offset, valid)


class _Fields:
    """Numbers of one and two digits in texts, by their place."""

    def __init__(self, digits: Words) -> None:
        self._digits = _bytes_of(digits)
        # The next byte is the higher one.
        self._pairs = _bytes_of(digits * _TEN + (digits >> _BYTE))

    def digit(self, place: int) -> Numbers:
        return self._digits[place // _WORD, :, place % _WORD]

    def at(self, place: int) -> Numbers:
        """The number of the two digits at a place."""
        pair = self._pairs[place // _WORD, :, place % _WORD]
        return pair + self.digit(place + 1) if place % _WORD == _WORD - 1 else pair


FORMS: dict[int, tuple[Form, ...]] = {
    10: (Form("0000-00-00"),),
    19: (Form("0000-00-00T00:00:00"),),
    20: (Form("0000-00-00T00:00:00Z"),),
    24: (Form("0000-00-00T00:00:00.000Z"),),
    25: (Form("0000-00-00T00:00:00-00:00"), Form("0000-00-00T00:00:00+00:00")),
    29: (Form("0000-00-00T00:00:00.000-00:00"), Form("0000-00-00T00:00:00.000+00:00")),
}


def padded_length(length: int) -> int:
    """The bytes of the words that have so many bytes."""
    return -(-length // _WORD) * _WORD


def words_of(texts: npt.NDArray[np.uint8]) -> Words:
    """The words of n texts, a matrix of bytes with a row for each, of a `padded_length`."""
    return np.ascontiguousarray(texts.view("<u8").T)


def _padded(text: bytes) -> npt.NDArray[np.uint8]:
    return np.frombuffer(text.ljust(padded_length(len(text)), b"\0"), np.uint8).reshape(1, -1)


def _bytes_of(words: Words) -> npt.NDArray[np.uint8]:
    return words.view(np.uint8).reshape(*words.shape, _WORD)


def _days(fields: _Fields) -> tuple[npt.NDArray[np.int32], Mask]:
    """Days since 1970, and where there are such dates."""
    century, month, day = fields.at(_CENTURY), fields.at(_MONTH), fields.at(_DAY)
    year = century * np.int32(100) + fields.at(_YEAR_OF_CENTURY)
    months = year * np.int32(12) + month
    first_days = _first_days()
    days = first_days.take(months, mode="clip")
    days += day
    days -= 1
    valid = (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1) & (days < first_days.take(months + 1, mode="clip"))
    return days, valid


@cache
def _first_days() -> npt.NDArray[np.int32]:
    """The first day of month m of year y at 12 y + m, for all years that four digits write and the month after."""
    return days_of_months(np.arange(-1970 * 12 - 1, (10_000 - 1970) * 12 + 1)).astype(np.int32)
