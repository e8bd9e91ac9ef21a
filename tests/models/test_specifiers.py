"""Types as ELM writes them."""

from __future__ import annotations

import pytest

from ecqm.elm import ElmError, read_json
from ecqm.elm.nodes import ChoiceTypeSpecifier, NamedTypeSpecifier, ParameterTypeSpecifier, TypeSpecifier, walk
from ecqm.models.specifiers import specifier_of_type, type_of_specifier
from ecqm.types import INTEGER, NamedType, parse_type
from tests.content import CONTENT, needs_content


@pytest.mark.parametrize(
    "text",
    [
        "System.Integer",
        "List<FHIR.Encounter>",
        "Interval<System.DateTime>",
        "Choice<System.Quantity, List<FHIR.Coding>>",
        "Tuple{a System.String, b List<Tuple{c System.Date}>}",
        "QDM.Id",
    ],
)
def test_a_type_written_in_elm_is_read_back(text: str) -> None:
    assert type_of_specifier(specifier_of_type(parse_type(text))) == parse_type(text)


def test_a_profile_is_written_as_what_it_is_a_profile_of() -> None:
    found = specifier_of_type(NamedType("QICore", "ConditionEncounterDiagnosis"))
    assert found == NamedTypeSpecifier(name="{http://hl7.org/fhir}Condition")


def test_alternatives_that_are_one_type_are_that_type() -> None:
    one = specifier_of_type(INTEGER)
    assert type_of_specifier(ChoiceTypeSpecifier(choice=[one, one])) == INTEGER


def test_what_writes_out_no_type_is_refused() -> None:
    with pytest.raises(ElmError, match="ParameterTypeSpecifier"):
        type_of_specifier(ParameterTypeSpecifier(parameterName="T"))


@needs_content
def test_every_type_in_published_libraries_is_known() -> None:
    count = 0
    for path in (CONTENT / "libraries-2025" / "elm").glob("*.json"):
        for node in walk(read_json(path.read_bytes())):
            if isinstance(node, TypeSpecifier):
                type_of_specifier(node)
                count += 1
    assert count > 1_000
