"""Dates of one form are read as the standard library reads them."""

from __future__ import annotations

import re
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecqm.kernels.dateforms import FORMS, Form, padded_length, words_of
from ecqm.kernels.isodates import FlatTexts, parse_instants

# The date-times that FHIR allows, to the second or more.
WRITTEN = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|([+-])(\d\d):(\d\d))?", re.ASCII)
EPOCH = datetime(1970, 1, 1)


def meaning(text: str) -> tuple[int, int | None] | None:
    """Milliseconds on the written clock, and minutes of offset, of what is a date-time."""
    found = WRITTEN.fullmatch(text)
    if found is None:
        return None
    clock, fraction, ending, sign, hours, minutes = found.groups()
    offset = 0 if ending == "Z" else None
    try:
        low = (datetime.fromisoformat(clock) - EPOCH) // (datetime.resolution * 1000)
    except ValueError:
        return None
    if sign:
        offset = int(hours) * 60 + int(minutes)
        if offset > 14 * 60 or int(minutes) >= 60:
            return None
        offset = -offset if sign == "-" else offset
    return low + int((fraction or "").ljust(3, "0")[:3]), offset


def _two(upto: int) -> st.SearchStrategy[str]:
    return st.integers(0, upto).map("{:02}".format)


@st.composite
def almost(draw: st.DrawFn) -> str:
    """Date-times, some with numbers that are too large, some with another character at some place."""
    year = draw(st.integers(0, 9999) | st.integers(1900, 2100))
    text = f"{year:04}-{draw(_two(13))}-{draw(_two(32))}T{draw(_two(24))}:{draw(_two(60))}:{draw(_two(60))}"
    text += draw(st.sampled_from(["", "", ".0", ".125", ".999", ".123456"]))
    text += draw(st.just("") | st.just("Z") | st.builds("{}{}:{}".format, st.sampled_from("+-"), _two(15), _two(60)))
    place = draw(st.integers(0, 4 * len(text)))
    return text if place >= len(text) else text[:place] + draw(st.characters(max_codepoint=255)) + text[place + 1 :]


@settings(max_examples=300, deadline=None)
@given(st.lists(almost(), max_size=20))
def test_read_as_the_standard_library_does(texts: list[str]) -> None:
    pieces = [text.encode() for text in texts]
    ends = np.cumsum([0, *map(len, pieces)])
    for parsed in (parse_instants(texts), parse_instants(FlatTexts(np.frombuffer(b"".join(pieces), np.uint8), ends))):
        found = [
            (low, offset if has_offset else None) if valid else None
            for low, _, offset, has_offset, valid in zip(*(column.tolist() for column in parsed), strict=True)
        ]
        assert found == list(map(meaning, texts))


@pytest.mark.parametrize("form", [form for forms in FORMS.values() for form in forms])
def test_a_form_reads_what_has_it_alone(form: Form) -> None:
    for length, others in FORMS.items():
        for other in others:
            sample = (other.text[:10].replace("0000-00-00", "1970-01-02") + other.text[10:]).encode()
            padded = np.frombuffer(sample.ljust(padded_length(length), b"9"), np.uint8).reshape(1, -1)
            if length == len(form.text):
                read = form.read(words_of(padded))
                assert read.valid.tolist() == [other is form]
                assert read.low[0] == (86_400_000 if form.has_time else 1)
