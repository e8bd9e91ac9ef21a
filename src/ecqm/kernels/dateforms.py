"""Fast parsing of dates and date-times in their most common forms, eight bytes at a time.

A form is given by an example in which all digits are 0, such as `0000-00-00T00:00:00Z`. A text of the same length has
this form if the XOR of its bytes with the example is at most 9 at digits (ASCII codes 0x30 to 0x39) and 0 elsewhere.
A few operations on 64-bit integers check eight bytes and convert their digits to numbers.
"""

from __future__ import annotations

from functools import cache, cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ecqm.kernels.arrays import Mask
from ecqm.kernels.calendar import (
    DAY,
    HOUR,
    MILLISECOND,
    MINUTE,
    MS_PER_DAY,
    MS_PER_UNIT,
    SECOND,
    Instants,
    days_of_months,
)

# n texts as words of eight bytes, little-endian: shape (words per text, n).
Words = npt.NDArray[np.uint64]
Numbers = npt.NDArray[np.uint8]

# Offsets from UTC that FHIR allows, in minutes.
OFFSET_LIMIT = 14 * 60
_WORD = 8
_TEN, _BYTE = np.uint64(10), np.uint64(8)
_HIGH_BITS = np.uint64(0x8080808080808080)
# The positions of the two-digit fields; the year is two such fields, and milliseconds are a field and one more digit.
_CENTURY, _YEAR_OF_CENTURY, _MONTH, _DAY, _HOUR, _MINUTE, _SECOND, _FRACTION = 0, 2, 5, 8, 11, 14, 17, 20


class Read(NamedTuple):
    """n parsed texts: `low` in days (dates) or local milliseconds since 1970 (date-times), `offset` in minutes.

    The values are meaningless where a text is not `valid`, which means that it does not have this form.
    """

    low: Instants
    offset: npt.NDArray[np.int16]
    valid: Mask


class Form:
    """A form of dates or date-times, given by its example `text`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._length = len(text)
        self.has_time = "T" in text
        self.has_offset = text.endswith("Z") or (self._length > 20 and text[-6] in "+-")
        self.precision = MILLISECOND if "." in text else SECOND if self.has_time else DAY

    @cached_property
    def _words(self) -> tuple[Words, Words, Words]:
        """The words of: the example; a mask of the bytes that it has; and what must be added to the XOR of a byte so
        that its high bit is set if the byte does not fit."""
        within = b"\xff" * self._length
        beyond = bytes(0x7F - 9 if byte == ord("0") else 0x7F for byte in self.text.encode())
        form, all_ones, added = (words_of(_padded(part)) for part in (self.text.encode(), within, beyond))
        return form, all_ones, added

    def read(self, words: Words) -> Read:
        """Parse texts of the form's length, as words; any bytes may follow them in the last word."""
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
    """The one- and two-digit numbers of n texts by position, from `digits`: the texts with digits as 0 to 9."""

    def __init__(self, digits: Words) -> None:
        self._digits = _bytes_of(digits)
        # 10 * (this byte) + (the next byte, which is the next higher one of the word).
        self._pairs = _bytes_of(digits * _TEN + (digits >> _BYTE))

    def digit(self, place: int) -> Numbers:
        return self._digits[place // _WORD, :, place % _WORD]

    def at(self, place: int) -> Numbers:
        """The number that the two digits at `place` write."""
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
    """`length` rounded up to whole words, in bytes."""
    return -(-length // _WORD) * _WORD


def words_of(texts: npt.NDArray[np.uint8]) -> Words:
    """The words of n texts, given as a byte matrix of shape (n, a `padded_length`)."""
    return np.ascontiguousarray(texts.view("<u8").T)


def _padded(text: bytes) -> npt.NDArray[np.uint8]:
    return np.frombuffer(text.ljust(padded_length(len(text)), b"\0"), np.uint8).reshape(1, -1)


def _bytes_of(words: Words) -> npt.NDArray[np.uint8]:
    return words.view(np.uint8).reshape(*words.shape, _WORD)


def _days(fields: _Fields) -> tuple[npt.NDArray[np.int32], Mask]:
    """Days since 1970, and a mask of the dates that exist."""
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
    """The first day (since 1970) of month m of year y at index 12 y + m, for the years 0 to 9999 and the next month."""
    return days_of_months(np.arange(-1970 * 12 - 1, (10_000 - 1970) * 12 + 1)).astype(np.int32)
