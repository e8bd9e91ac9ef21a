"""Date, DateTime and Time: construction, bounds, timezones, positions, and their text."""

from __future__ import annotations

import pickle

import pytest

from ecqm.values import CqlError, Date, DateTime, EvaluationContext, Temporal, Time, evaluating
from ecqm.values.ordering import compare
from ecqm.values.text import iso_text, parse_date, parse_datetime, parse_time, to_cql


def test_components_and_precision() -> None:
    moment = DateTime(2014, 2, 3, 4, offset=-300)
    assert (moment.precision, moment.fields, moment.offset) == ("hour", (2014, 2, 3, 4), -300)
    assert moment.component("hour") == 4
    assert moment.component("minute") is None
    assert moment.date() == Date(2014, 2, 3)
    assert moment.time() == Time(4)
    assert moment.truncated("month") == DateTime(2014, 2, offset=-300)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Date(2014, 13),
        lambda: Date(2014, None, 3),
        lambda: Date(2013, 2, 29),
        lambda: Date(0),
        lambda: Date(10_000),
        lambda: DateTime(2014, 1, 1, 24),
        lambda: DateTime(2014, 1, 1, 0, offset=900),
        lambda: Time(10, 60),
    ],
)
def test_impossible_values_are_refused(make: object) -> None:
    with pytest.raises(CqlError):
        make()  # type: ignore[operator]


def test_an_imprecise_value_stands_for_all_from_low_to_high() -> None:
    assert Date(2012, 2).low() == Date(2012, 2, 1)
    assert Date(2012, 2).high() == Date(2012, 2, 29)
    assert DateTime(2013).high() == DateTime(2013, 12, 31, 23, 59, 59, 999)
    assert DateTime(2013).high("day") == DateTime(2013, 12, 31)
    assert Time(10).low("minute") == Time(10, 0)


def test_values_are_immutable_hashable_and_picklable() -> None:
    moment = DateTime(2014, 2, 3, offset=60)
    assert {moment: 1}[DateTime(2014, 2, 3, offset=60)] == 1
    assert moment != DateTime(2014, 2, 3)
    assert pickle.loads(pickle.dumps(moment)) == moment
    with pytest.raises(AttributeError):
        moment.precision = "year"  # type: ignore[misc]


def test_timezones_follow_the_request() -> None:
    local, universal = parse_datetime("2014-02-03T10:00:00.000"), parse_datetime("2014-02-03T15:00:00.000Z")
    context = EvaluationContext(DateTime(2014, 1, 1, 0, 0, 0, 0, -300), -300)
    assert compare(local, universal) == -1
    with evaluating(context):
        assert compare(local, universal) == 0
    assert universal.at_offset(-300) == parse_datetime("2014-02-03T10:00:00.000-05:00")
    assert DateTime(2014, 2, 3, offset=0).at_offset(60) == DateTime(2014, 2, 3, offset=60)
    assert DateTime(1, 1, 1, 0, 0, 0, 0, 0).at_offset(-60).fields == (1, 1, 1, 0, 0, 0, 0)


@pytest.mark.parametrize("value", [Date(2012, 2, 29), DateTime(1970, 1, 1, 0, 0, 0, 1), Time(23, 59, 59, 999)])
def test_positions_are_reversible(value: Temporal) -> None:
    assert type(value).from_ordinal(value.ordinal()) == value


@pytest.mark.parametrize(
    "text",
    ["@2012", "@2012-02", "@2012-02-29", "@2012T", "@2012-02-29T", "@2012-02-29T10", "@2012-02-29T10:20Z",
     "@2012-02-29T10:20:30.040-05:30", "@T10", "@T10:20:30.400"],
)  # fmt: skip
def test_literals_are_read_and_written_alike(text: str) -> None:
    if text.startswith("@T"):
        assert to_cql(parse_time(text)) == text
    elif "T" in text:
        assert to_cql(parse_datetime(text)) == text
    else:
        assert to_cql(parse_date(text)) == text


def test_iso_text() -> None:
    assert iso_text(parse_datetime("2012-02-29T10:20:30.5+01:00")) == "2012-02-29T10:20:30.500+01:00"
    assert iso_text(DateTime(2012, 2)) == "2012-02"
    assert iso_text(Time(9, 5)) == "09:05"


@pytest.mark.parametrize(
    "text", ["2012-2", "2012-02-30", "20120229", "2012-02T10", "2012-02-29T10:20+5", "2012-02-29T10:20+01:75", "x", ""]
)
def test_what_is_not_a_datetime(text: str) -> None:
    with pytest.raises(CqlError):
        parse_datetime(text)
