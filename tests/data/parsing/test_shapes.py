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

from ecqm.data import EVERYTHING
from ecqm.data.fhir.structs import ResourceStructs, Unreadable, resource_structs
from ecqm.data.parsing.plain import NotPlain
from ecqm.data.parsing.shapes import ShapedParser

STRUCTS: ResourceStructs = resource_structs(EVERYTHING)

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


def as_decoded(line: str) -> Any:
    """What the structs of FHIR's types hold of a line; None if it cannot be read."""
    try:
        resource = STRUCTS.read(line.encode())
    except Unreadable:
        return None
    resource.contained = None
    return msgspec.to_builtins(resource, builtin_types=(Decimal,))


def parsed(parser: ShapedParser, lines: list[str]) -> list[Any]:
    found = parser.parse("Observation", pa.array([line.encode() + b"\n" for line in lines], pa.large_binary()))
    values = without_nulls(pa.table(found.arrays).to_pylist())
    return [None if row in found.unreadable else value for row, value in enumerate(values)]


@settings(max_examples=500, deadline=None)
@given(st.lists(_fields(), min_size=1, max_size=3))
def test_parsed_as_it_is_decoded(lines: list[str]) -> None:
    for line in lines:
        try:
            msgspec.json.decode(line, type=dict[str, msgspec.Raw])
        except msgspec.DecodeError:
            # Lines that are not JSON do not come so far.
            return
    try:
        found = parsed(ShapedParser(EVERYTHING), lines)
    except NotPlain:
        assert any("E" in line or "e" in line or len(line) > 18 for line in lines)
        return
    assert found == [as_decoded(line) for line in lines]


def observation(fields: str) -> str:
    return '{"resourceType":"Observation",' + fields + "}"


def test_plain_lines_are_parsed_as_they_are() -> None:
    quantities = ["5", "5.0", "-0.5", "77.46187645843517", "0", "120"]
    lines = [observation(f'"valueQuantity": {{"value": {written}}}') for written in quantities]
    lines.append(observation('"valueInteger":5,"note":[{"text":"a \\"b\\" \\\\"},{"text":"1e5: 5.0, [7.0"}]'))
    drug = "Acetaminophen 21.7 MG/ML / Dextromethorphan Hydrobromide 1 MG/ML / doxylamine succinate 0.417 MG/ML"
    lines.append(observation(f'"valueInteger" : 5,"note":[{{"text":"{drug}"}}]'))
    found = ShapedParser(EVERYTHING).parse(
        "Observation", pa.array([line.encode() for line in lines], pa.large_binary())
    )
    assert not found.made_plain
    assert without_nulls(pa.table(found.arrays).to_pylist()) == [
        json.loads(line, parse_float=Decimal) for line in lines
    ]


@pytest.mark.parametrize(
    "line",
    [
        '"valueInteger":5.0',
        '"valueInteger": 5e0',
        '"valueInteger":"5"',
        '"valueQuantity":{"value":"5"}',
        '"valueQuantity":{"value":1e-7}',
        '"valueQuantity":{"value":-12.5E+3,"unit":"\\":1E3"}',
        '"valueQuantity":{"value":0.030000000000000002}',
        '"status":null',
        '"status":"a","status":"b"',
        '"nonsense" : 1',
        '"valueQuantity":{"nonsense":1}',
        '"note":[null]',
        '"valueString":"\\ud83d\\ude00"',
        '"valueString":{"a":"\\u0000"}',
        '"contained":[{"resourceType":"Device"}],"status":"a"',
        '"valueString":"a"} {"valueString":"b"',
    ],
)
def test_what_is_not_plain_is_made_plain(line: str) -> None:
    plain = [observation(f'"id":"{number}"') for number in range(200)]
    odd = observation(line)
    for first in ([odd], [*plain, odd, *plain], [odd, *plain, odd, odd, *plain, odd]):
        found = parsed(ShapedParser(EVERYTHING), first)
        assert found == [as_decoded(line) for line in first]


@pytest.mark.parametrize(
    "line",
    [
        '"valueQuantity":{"value":1e-30}',
        '"valueQuantity":{"value":1e30}',
        '"valueQuantity":{"value":1.00000000000000000000000001}',
        '"valueString":"\\u0000"',
    ],
)
def test_what_there_is_no_room_for_is_refused(line: str) -> None:
    with pytest.raises(NotPlain):
        parsed(ShapedParser(EVERYTHING), [observation(line)])


def test_contained_resources_are_taken_out() -> None:
    device = '{"resourceType":"Device","id":"d","unknown":[1.0e5, "]"]}'
    lines = [observation(f'"contained": [{device} , {device}],"id":"{number}"') for number in range(3000)]
    lines[7] = observation(f'"contained":[],"id":"x","status":null,"contained":[{device}]')
    array = pa.array([line.encode() for line in lines], pa.large_binary())
    found = ShapedParser(EVERYTHING).parse("Observation", array)
    assert [bytes(raw).decode() for raw in found.contained[2999]] == [device, device]
    assert len(found.contained) == 3000 and len(found.contained[7]) == 1
    # What is beside the odd one is made plain with it.
    assert found.made_plain == {7}
    assert found.arrays["id"].to_pylist() == ["x" if number == 7 else str(number) for number in range(3000)]


def test_fields_that_are_seen_late_are_learned() -> None:
    parser = ShapedParser(EVERYTHING)
    late = observation('"id":"b","component":[{"valueString":"x"}]')
    lines = [observation('"id":"a"')] * 5000 + [late] + [observation('"id":"a"')] * 100
    assert parsed(parser, lines) == [json.loads(line) for line in lines]
    assert parsed(parser, lines[:1]) == [json.loads(lines[0])]
