"""The source text of nodes."""

from __future__ import annotations

from ecqm.elm import IndexedLibrary
from ecqm.elm import nodes as elm
from ecqm.elm.narrative import SourceText, Span, narrated, narrative

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


def test_narrative_keeps_its_layout() -> None:
    told = narrative(elm.ExpressionDef(name="X", annotation=NARRATIVE))
    assert told is not None
    assert told.text == "define X:\n  a and\n    b"
    assert [span.node for span in told if span.node] == ["1", "2", "3", "2"]
    assert narrative(elm.ExpressionDef(name="X")) is None


def test_nodes_by_their_places_lie_in_one_another() -> None:
    source = "library L\n\ndefine X:\n  A and\n    not B\n"
    left = elm.ExpressionRef(localId="2", locator="4:3", name="A")
    right = elm.Not(localId="3", locator="5:5-5:9", operand=elm.ExpressionRef(localId="4", locator="5:9", name="B"))
    both = elm.And(localId="5", locator="4:3-5:9", operand=[left, right])
    told = SourceText(LIBRARY, source).span(
        elm.ExpressionDef(name="X", localId="6", locator="3:1-5:9", expression=both)
    )
    inner = Span("3", ("not ", Span("4", ("B",))))
    assert told == Span("6", ("define X:\n  ", Span("5", (Span("2", ("A",)), " and\n    ", inner))))


def test_places_that_are_not_in_the_source() -> None:
    define = elm.ExpressionDef(name="X", locator="1:1-1:9", expression=elm.Null(localId="1", locator="7:1-7:4"))
    assert SourceText(LIBRARY, "define X: null").span(define) == Span("", ("define X:",))
    assert SourceText(LIBRARY).span(define) is None


def test_annotations_that_are_none() -> None:
    for span in (5, None, [["x"]], {"r": ["1"], "value": 7, "s": 9}, {"r": {}, "s": [{"r": "2", "value": ["a", 1]}]}):
        definition = elm.ExpressionDef(name="X", annotation=[{"s": span}])
        assert set(narrated(definition)) <= {"2"}
