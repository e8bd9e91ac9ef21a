"""The words that nodes were made from."""

from __future__ import annotations

from ecqm.elm import IndexedLibrary
from ecqm.elm import nodes as elm
from ecqm.elm.narrative import SourceText, narrated

NARRATIVE = [
    {
        "type": "Annotation",
        "s": {
            "r": "1",
            "s": [
                {"value": ["define X:\n  "]},
                {"r": "2", "s": [{"r": "3", "value": ["a"]}, {"value": [" and\n    "]}, {"r": "2", "value": ["b"]}]},
            ],
        },
    }
]
LIBRARY = IndexedLibrary(elm.Library(identifier=elm.VersionedIdentifier(id="L")))


def test_spans_by_the_nodes_they_name() -> None:
    found = narrated(elm.ExpressionDef(name="X", annotation=NARRATIVE))
    assert found["3"] == "a"
    assert found["2"] == "a and\n    b"
    assert found["1"].startswith("define X:")


def test_text_on_one_line() -> None:
    text = SourceText(LIBRARY).of(elm.Null(localId="2"), elm.ExpressionDef(name="X", annotation=NARRATIVE))
    assert text == "a and b"


def test_text_by_its_place_where_there_is_no_annotation() -> None:
    source = SourceText(LIBRARY, "define X:\n  1 +\n    2\n")
    define = elm.ExpressionDef(name="X")
    assert source.of(elm.Null(locator="2:3-3:5"), define) == "1 + 2"
    assert source.of(elm.Null(locator="2:3"), define) == "1"
    assert source.of(elm.Null(locator="9:1-9:4"), define) is None
    assert source.of(elm.Null(), define) is None
    assert SourceText(LIBRARY).of(elm.Null(locator="2:3-3:5"), define) is None
