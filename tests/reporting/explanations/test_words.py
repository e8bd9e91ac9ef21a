"""The words of definitions, wherever they are."""

from __future__ import annotations

from ecqm.elm import IndexedLibrary
from ecqm.elm import nodes as elm
from ecqm.elm.narrative import Span
from ecqm.measures.explanation.logic import LogicDefine
from ecqm.plan.lowering import PlanError
from ecqm.reporting.explanations.words import Words

LIBRARY = IndexedLibrary(elm.Library(identifier=elm.VersionedIdentifier(id="L", version="1")))
SOURCE = """library L version '1'
define "A b":   1   +
 2
define private B: 3 // three
define function f(x Integer): x
define C: "A b"
"""


def words(name: str, source: str | None) -> Span | None:
    definition = elm.ExpressionDef(name=name)
    return Words(lambda library: source).of(LogicDefine(LIBRARY, definition, PlanError("none"), {}, {}, True))


def test_a_library_that_tells_nothing_is_shown_as_the_formatter_writes_it() -> None:
    assert words("A b", SOURCE) == Span(None, ('define "A b":\n  1 + 2',))
    second = words("B", SOURCE)
    assert second is not None and second.text.startswith("define private B:") and "define C" not in second.text
    assert words("f", SOURCE) is None


def test_no_words_at_all() -> None:
    assert words("A b", None) is None
    assert words("A b", "library L define") is None
