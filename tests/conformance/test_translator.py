"""The comparison with the reference translator; Java is not needed."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any

import pytest

from tests.scripts import imported

SOURCE = """library Sample
parameter Limit default 1
define "Sum": Limit + 1.0
define "Wrong": Limit + 'a'
define "After it": "Wrong"
define "Sorted": ({ 2, 1 }) X sort asc
"""


@pytest.fixture(scope="module")
def translator() -> ModuleType:
    return imported("conformance/peers/translator.py")


@pytest.fixture(scope="module")
def compared(translator: ModuleType) -> Any:
    """Compares SOURCE with an answer of the reference translator, given as its ELM and errors."""
    source = translator.Source("Sample", SOURCE)
    corpus = translator.Corpus("sample", [source])
    (mine,) = translator.ours(corpus, {})

    def compare(answer: dict[str, Any]) -> Any:
        theirs = imported("conformance/peers/translations.py").reference_translation(json.dumps(answer))
        return translator.compare(corpus, source, mine, theirs)

    return compare


def statement(name: str, line: int, expression: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "ExpressionDef",
        "name": name,
        "locator": f"{line}:1",
        "context": "Unfiltered",
        "expression": expression,
    }


def integer(value: int) -> dict[str, Any]:
    return {"type": "Literal", "valueType": "{urn:hl7-org:elm-types:r1}Integer", "value": str(value)}


def answer(added: dict[str, Any], *errors: dict[str, Any]) -> dict[str, Any]:
    """An answer for SOURCE in which the definition `Sum` is `added`; containers have the names of Java classes."""
    limit = {"name": "Limit", "locator": "2:1-2:25", "accessLevel": "Public", "default": integer(1)}
    elements = {"type": "List", "element": [integer(2), integer(1)]}
    query = {
        "type": "Query",
        "source": [{"alias": "X", "expression": elements}],
        "sort": {"by": [{"type": "ByDirection", "direction": "asc"}]},
    }
    statements = [
        statement("Sum", 3, added), statement("Wrong", 4, {"type": "Null"}),
        statement("After it", 5, {"type": "ExpressionRef", "name": "Wrong"}), statement("Sorted", 6, query),
    ]  # fmt: skip
    library = {
        "identifier": {"type": "VersionedIdentifier", "id": "Sample"},
        "schemaIdentifier": {"id": "urn:hl7-org:elm", "version": "r1"},
        "parameters": {"type": "Library$Parameters", "def": [limit]},
        "statements": {"type": "Library$Statements", "def": statements},
    }
    return {"errors": list(errors), "elm": {"library": library}}


SUM = {
    "type": "Add",
    "operand": [
        {"type": "ToDecimal", "operand": {"type": "ParameterRef", "name": "Limit"}},
        {"type": "Literal", "valueType": "{urn:hl7-org:elm-types:r1}Decimal", "value": "1.0"},
    ],
}
WRONG = [{"line": 4, "character": 17, "message": "no Add"}, {"line": 5, "character": 1, "message": "Wrong has errors"}]


def test_equal_elm_and_equal_refusals(compared: Any) -> None:
    tally = compared(answer(SUM, *WRONG))
    assert (tally.definitions, tally.equal, tally.refused, tally.differences) == (5, 5, 2, [])


def test_differences_by_kind(compared: Any) -> None:
    (difference,) = compared(answer(SUM | {"type": "Subtract"}, *WRONG)).differences
    assert (difference.place, difference.kind) == ("sample/Sample:Sum", "Add for Subtract in expression")

    kinds = {each.definition: each.kind for each in compared(answer(SUM)).differences}
    assert kinds == {"Wrong": "only ours refuses", "After it": "only ours refuses"}

    error = {"line": 2, "character": 1, "message": "no parameters"}
    (difference,) = compared(answer(SUM, error, *WRONG)).differences
    assert (difference.definition, difference.kind) == ("", "only theirs refuses")


def test_differences_are_listed_with_a_reason(translator: ModuleType) -> None:
    known = translator.known_differences()
    assert len({each.name for each in known}) == len(known) > 30

    difference = translator.Difference("own", "Corpus", "x", "only theirs refuses", "", "None", "['ambiguous with']")
    tally = translator.Tally(differences=[difference])
    assert translator.unexplained(tally, known) == []
    assert [each.name for each in known if each.found] == ["ambiguous overloads"]


def test_the_operator_matrix() -> None:
    matrix = imported("conformance/peers/translator_matrix.py")
    sources = dict(matrix.matrix(("int", "vs")))
    assert sources["Add(int, int)"] == "library Matrix\nparameter int Integer\ndefine x: int + int\n"
    assert "valueset vs:" in sources["In(int, vs)"] and "parameter" not in sources["In(vs, vs)"]
    phrases = dict(matrix.timing())
    assert (
        "define x: dt 3 days or more on or before day of start ivDt\n"
        in phrases["dt 3 days or more on or before day of start ivDt"]
    )
    assert len(phrases) == len(list(matrix.timing()))


def test_values_where_another_type_is_expected(translator: ModuleType) -> None:
    promotions = imported("conformance/peers/translator_promotions.py")
    for generated in (promotions.parameters(), promotions.overloads(), promotions.places()):
        sources = [translator.Source(name, text) for name, text in generated]
        assert len({source.name for source in sources}) == len(sources)
    texts = dict(promotions.overloads())
    assert texts["Code or Concept(cd)"].endswith(
        "define function f(arg Code): 1\ndefine function f(arg Concept): 2\ndefine x: f(cd)\n"
    )
    (mine,) = translator.ours(translator.Corpus("one", [translator.Source("x", texts["Code or Concept(cd)"])]), {})
    assert not mine.errors and any(name == "x" for _, name in mine.definitions)
