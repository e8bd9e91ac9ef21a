"""Reading ELM in JSON and XML: what documents of all translators say, and how broken ones are refused."""

from __future__ import annotations

import contextlib
import json
from decimal import Decimal

import pytest

from ecqm.elm import ElmError, read_json, read_xml, write_json, write_xml
from ecqm.elm.nodes import ChoiceTypeSpecifier, Expression, InValueSet, Is, NamedTypeSpecifier, Quantity, ValueSetRef
from tests.elm.documents import INTEGER, define, integer, library


def expression(document: bytes) -> Expression:
    found = read_json(document).statements[0].expression
    assert found is not None
    return found


@pytest.mark.parametrize(
    "specifier",
    [
        '{"type": "ChoiceTypeSpecifier", "type": [], "choice": [%s]}',
        '{"type": [], "type": "ChoiceTypeSpecifier", "choice": [%s]}',
        '{"type": "ChoiceTypeSpecifier", "type": [%s]}',
        '{"type": [%s]}',
    ],
)
def test_choices_survive_the_collision_of_their_older_name_with_the_node_type(specifier: str) -> None:
    integer_type = f'{{"type": "NamedTypeSpecifier", "name": "{INTEGER}"}}'
    text = '{"type": "Is", "operand": {"type": "Null"}, "isTypeSpecifier": %s}' % (specifier % integer_type)
    document = library(statements=[define("x", {"type": "Null"})]).replace(b'{"type": "Null"}', text.encode())
    found = expression(document)
    assert isinstance(found, Is)
    assert found.isTypeSpecifier == ChoiceTypeSpecifier(choice=[NamedTypeSpecifier(name=INTEGER)])


def test_a_child_of_the_one_type_that_may_stand_there_needs_no_type() -> None:
    found = expression(
        library(statements=[define("x", {"type": "InValueSet", "code": {"type": "Null"}, "valueset": {"name": "V"}})])
    )
    assert isinstance(found, InValueSet) and found.valueset == ValueSetRef(name="V")


def test_decimals_are_exact() -> None:
    document = library(statements=[define("x", {"type": "Quantity", "value": 0, "unit": "mg"})])
    found = expression(document.replace(b'"value": 0', b'"value": 0.1000000000000000055511151231257827'))
    assert isinstance(found, Quantity) and found.value == Decimal("0.1000000000000000055511151231257827")
    assert read_json(write_json(read_json(document))) == read_json(document)


def test_unknown_attributes_are_reported_and_left_out() -> None:
    notes: list[str] = []
    read_json(library(statements=[define("x", {"type": "Null", "colour": "red", "locator": "3:4-3:7"})]), notes)
    assert notes == ["Sample 1.0.0: Null at 3:4-3:7: unknown ELM attribute 'colour', ignored"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            {"type": "Frobnicate", "localId": "7"},
            "Sample 1.0.0: define 'x', Frobnicate with localId 7: unknown node type 'Frobnicate'",
        ),
        (
            {"type": "Not", "locator": "2:1-2:9", "operand": {"type": "Frobnicate"}},
            "Sample 1.0.0: define 'x', Not at 2:1-2:9: unknown node type 'Frobnicate'",
        ),
        (
            {"type": "If", "localId": "7", "condition": {"type": "Null"}},
            "Sample 1.0.0: define 'x', If with localId 7: If has no then, else",
        ),
        (
            {"type": "Not", "localId": "7", "operand": {"type": "NamedTypeSpecifier", "name": INTEGER}},
            "Sample 1.0.0: define 'x', Not with localId 7: "
            "expected a node of type Expression, found NamedTypeSpecifier",
        ),
        (
            {"type": "Quantity", "locator": "3:4-3:9", "value": "ten"},
            "Sample 1.0.0: define 'x', Quantity at 3:4-3:9: attribute 'value' must be a number, found 'ten'",
        ),
        (
            {"type": "Element", "localId": "7"},
            "Sample 1.0.0: define 'x', Element with localId 7: unknown node type 'Element'",
        ),
    ],
)
def test_what_is_no_elm_is_refused_with_its_place(body: dict[str, object], message: str) -> None:
    with pytest.raises(ElmError) as failure:
        read_json(library(statements=[define("x", body)]))
    assert str(failure.value) == message


def test_truncated_json_is_refused_with_its_position() -> None:
    document = library(statements=[define("x", integer(1))])
    for length in range(len(document)):
        with pytest.raises(ElmError, match="line 1 column"):
            read_json(document[:length])


@pytest.mark.parametrize("document", [b"[]", b"{}", b'{"library": 1}', b'{"library": {"statements": []}}', b"\xff\xfe"])
def test_other_json_is_refused(document: bytes) -> None:
    with pytest.raises(ElmError):
        read_json(document)


def test_no_change_of_a_value_brings_down_the_reader() -> None:
    sound = json.loads(library(statements=[define("x", {"type": "If", "condition": {"type": "Null"}})]))
    expression = sound["library"]["statements"]["def"][0]["expression"]
    values: list[object] = [None, 1, -1.5, True, "x", [], [1], [[]], [None], {}]
    values += [{"type": 3}, {"type": []}, {"type": "Library"}]
    for key in ("type", "condition", "then", "else", "localId", "locator", "annotation", "signature", "resultTypeName"):
        for value in values:
            before = dict(expression)
            expression[key] = value
            with contextlib.suppress(ElmError):
                read_json(json.dumps(sound))
            expression.clear()
            expression |= before


@pytest.mark.parametrize("value", ["NaN", "Infinity", "", True, [0, [1], 2]])
def test_what_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(ElmError, match="must be a number"):
        read_json(library(statements=[define("x", {"type": "Quantity", "value": value})]))


@pytest.mark.parametrize("depth", [300, 2_000, 100_000])
def test_absurd_nesting_is_refused(depth: int) -> None:
    nested = '{"type": "Not", "operand": ' * depth + '{"type": "Null"}' + "}" * depth
    document = library(statements=[define("x", {"type": "Null"})]).replace(b'{"type": "Null"}', nested.encode())
    with pytest.raises(ElmError, match="nested too deeply"):
        read_json(document)
    elements = '<operand xsi:type="Not">' * depth + '<operand xsi:type="Null"/>' + "</operand>" * depth
    with pytest.raises(ElmError, match="nested too deeply"):
        read_xml(xml(f'<expression xsi:type="Not">{elements}</expression>'))


def xml(expression: str, before: str = "") -> str:
    return (
        f'{before}<library xmlns="urn:hl7-org:elm:r1" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xmlns:t="urn:hl7-org:elm-types:r1"><identifier id="Sample" version="1.0.0"/>'
        f'<statements><def name="x" context="Patient">{expression}</def></statements></library>'
    )


def test_xml_and_json_of_one_library_are_one_tree() -> None:
    interval = {"type": "Interval", "lowClosed": False, "low": integer(1), "high": integer(2)}
    from_json = read_json(library(statements=[define("x", interval)]))
    low, high = (
        f'<{end} xsi:type="Literal" valueType="t:Integer" value="{n}"/>' for end, n in (("low", 1), ("high", 2))
    )
    from_xml = read_xml(xml(f'<expression xsi:type="Interval" lowClosed="false">{low}{high}</expression>'))
    assert from_xml == from_json
    assert read_xml(write_xml(from_json)) == from_json
    assert read_json(write_json(from_xml)) == from_json


def test_xml_annotations_have_the_shape_of_json() -> None:
    annotation = (
        '<annotation xmlns:a="urn:hl7-org:cql-annotations:r1" xsi:type="a:Annotation">'
        '<a:t name="description" value="d"/><a:s r="1"><a:s>define </a:s><a:s r="2">x</a:s></a:s></annotation>'
    )
    found = read_xml(xml(annotation + '<expression xsi:type="Null"/>'))
    shape = [
        {
            "type": "Annotation",
            "t": [{"name": "description", "value": "d"}],
            "s": {"r": "1", "s": [{"value": ["define "]}, {"r": "2", "value": ["x"]}]},
        }
    ]
    assert found.statements[0].annotation == shape
    assert read_xml(write_xml(found)).statements[0].annotation == shape


def test_xml_brings_nothing_from_outside() -> None:
    for before in (
        '<!DOCTYPE library [<!ENTITY x SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE library [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE library SYSTEM "http://example.org/library.dtd">',
    ):
        with pytest.raises(ElmError, match="document type"):
            read_xml(xml('<expression xsi:type="Null"/>', before))


@pytest.mark.parametrize("document", ["", "<library", "<other/>", xml('<expression xsi:type="Frobnicate"/>')])
def test_unsound_xml_is_refused(document: str) -> None:
    with pytest.raises(ElmError):
        read_xml(document)


def test_unknown_namespace_prefixes_in_type_names_are_refused() -> None:
    with pytest.raises(ElmError, match="prefix of 'q:Integer'"):
        read_xml(xml('<expression xsi:type="Literal" valueType="q:Integer" value="1"/>'))
