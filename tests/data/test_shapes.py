"""What the reader of plain lines gives is what is written in them, or it refuses."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecqm.data.schema import fhir_schema
from ecqm.data.shapes import NotPlain, ShapedParser

_BLANKS = st.sampled_from(["", "", "", " ", "  ", "\t", "\r"])
_STRINGS = st.one_of(
    st.text(max_size=6).map(json.dumps),
    st.text(max_size=6).map(lambda text: json.dumps(text, ensure_ascii=False)),
    st.sampled_from(
        ['"\\\\"', '"\\\\\\""', '"a\\":1"', '" :5.0,"', '", 1e3"', '"06:50:08.250Z"', '"\\u0022"', '"\\ud800"', '"\\/"']
    ),
)
_NUMBERS = st.one_of(
    st.integers(-(10**20), 10**20).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
    st.sampled_from(["0", "-0", "-0.0", "5.0", "5.00", "1e3", "1E-30", "0.123456789012345678", "-12345678901234567.5"]),
    st.sampled_from(["1.00000000000000000000000001", "99999999999999999.9", "9223372036854775808"]),
)
_VALUES = st.one_of(_STRINGS, _NUMBERS, st.sampled_from(["true", "false", "null", "[]", "{}", "[null]"]))


@st.composite
def _fields(draw: st.DrawFn, depth: int = 0) -> str:
    """Fields of an object by names that mean something in an Observation, with values that may be of any type."""
    fields = []
    for _ in range(draw(st.integers(0, 4))):
        name, values = draw(
            st.sampled_from(
                [
                    ("id", _STRINGS),
                    ("status", _STRINGS),
                    ("valueString", _STRINGS),
                    ("valueInteger", _NUMBERS),
                    ("valueBoolean", st.sampled_from(["true", "false"])),
                    ("rank", _NUMBERS),
                    ("nonsense", _VALUES),
                ]
            )
        )
        fields.append((name, draw(_VALUES if draw(st.integers(0, 9)) == 0 else values)))
    if draw(st.booleans()):
        quantity = [f'"value"{draw(_BLANKS)}:{draw(_BLANKS)}{draw(_NUMBERS)}', f'"unit":{draw(_STRINGS)}']
        fields.append(("valueQuantity", "{" + ",".join(quantity[: draw(st.integers(0, 2))]) + "}"))
    if draw(st.booleans()):
        fields.append(("note", f'[{{"text":{draw(_STRINGS)}}},{{}}]'))
    if depth == 0 and draw(st.booleans()):
        fields.append(("component", "[" + ",".join(draw(st.lists(_fields(depth=1), max_size=2))) + "]"))
    if depth == 0:
        fields.append(("resourceType", '"Observation"'))
    written = [f'"{name}"{draw(_BLANKS)}:{draw(_BLANKS)}{value}{draw(_BLANKS)}' for name, value in fields]
    return "{" + ",".join(written) + "}"


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_nulls(inner) for name, inner in value.items() if inner is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def as_written(line: str) -> Any:
    """JSON with exact numbers; of a field twice nothing."""

    def an_object(fields: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(fields)
        if isinstance(found.get("valueInteger"), Decimal):
            found["valueInteger"] = "no integer"
        return found if len(found) == len(fields) else {}

    return json.loads(line, parse_float=Decimal, object_pairs_hook=an_object)


def parsed(parser: ShapedParser, lines: list[str]) -> list[Any]:
    arrays = parser.parse("Observation", pa.array([line.encode() + b"\n" for line in lines], pa.large_binary()))
    return without_nulls(pa.table(arrays).to_pylist())  # type: ignore[no-any-return]


@settings(max_examples=500, deadline=None)
@given(st.lists(_fields(), min_size=1, max_size=3))
def test_parsed_as_it_is_written_or_not_at_all(lines: list[str]) -> None:
    for line in lines:
        try:
            msgspec.json.decode(line, type=dict[str, msgspec.Raw])
        except msgspec.DecodeError:
            # Lines that are not JSON do not come so far.
            return
    try:
        found = parsed(ShapedParser(fhir_schema()), lines)
    except NotPlain:
        return
    assert found == [as_written(line) for line in lines]


def test_plain_lines_are_parsed() -> None:
    quantities = ["5", "5.0", "-0.5", "77.46187645843517", "0", "120"]
    lines = [f'{{"resourceType":"Observation","valueQuantity": {{"value": {written}}}}}' for written in quantities]
    lines.append('{"valueInteger":5,"note":[{"text":"a \\"b\\" \\\\"},{"text":"1e5: 5.0, [7.0"}]}')
    assert parsed(ShapedParser(fhir_schema()), lines) == [as_written(line) for line in lines]


@pytest.mark.parametrize(
    "line",
    [
        '{"valueInteger":5.0}',
        '{"valueInteger": 5e0}',
        '{"valueInteger":"5"}',
        '{"valueQuantity":{"value":"5"}}',
        '{"valueQuantity":{"value":1e-30}}',
        '{"valueQuantity":{"value":1.00000000000000000000000001}}',
        '{"status":null}',
        '{"status":"a","status":"b"}',
        '{"nonsense" : 1}',
        '{"valueQuantity":{"nonsense":1}}',
        '{"valueString":"a"}{"valueString":"b"}',
        '{"valueString":{"a":"\\u0000"}}',
        '{"valueInteger":\0}',
    ],
)
def test_what_is_not_plain_is_refused(line: str) -> None:
    parser = ShapedParser(fhir_schema())
    with pytest.raises(NotPlain):
        parsed(parser, [line])
    with pytest.raises(NotPlain):
        parsed(parser, ['{"valueString":"a"}', line])


def test_fields_that_are_seen_late_are_learned() -> None:
    parser = ShapedParser(fhir_schema())
    lines: list[str] = ['{"id":"a"}'] * 5000 + ['{"id":"b","component":[{"valueString":"x"}]}'] + ['{"id":"a"}'] * 100
    assert parsed(parser, lines) == [json.loads(line) for line in lines]
    assert parsed(parser, lines[:1]) == [{"id": "a"}]
