"""The notation of types."""

from __future__ import annotations

import pytest

from ecqm.types import INTEGER, ChoiceType, IntervalType, ListType, NamedType, TupleType, TypeSyntaxError, parse_type

WRITTEN = {
    "Integer": INTEGER,
    "System.Integer": INTEGER,
    "FHIR.Encounter": NamedType("FHIR", "Encounter"),
    "FHIR.Encounter.Diagnosis": NamedType("FHIR", "Encounter.Diagnosis"),
    "List<FHIR.ValueSet.Compose.Include>": ListType(NamedType("FHIR", "ValueSet.Compose.Include")),
    "QICore.observation-bp": NamedType("QICore", "observation-bp"),
    "List<QICore.Data Absent Reason>": ListType(NamedType("QICore", "Data Absent Reason")),
    "Choice<Integer, Interval<System.Integer>>": ChoiceType((INTEGER, IntervalType(INTEGER))),
    "Tuple{a Integer, b List<Integer>}": TupleType((("a", INTEGER), ("b", ListType(INTEGER)))),
}


@pytest.mark.parametrize(("text", "type_"), WRITTEN.items(), ids=WRITTEN)
def test_types_are_read_as_they_are_written(text: str, type_: object) -> None:
    assert parse_type(text) == type_
    assert parse_type(str(type_)) == type_


@pytest.mark.parametrize(
    "text", ["", "List<", "List<Integer> more", "List<Integer, Integer>", "Choice<>", "Set<Integer>", "Tuple{a}"]
)
def test_what_is_no_type_is_refused(text: str) -> None:
    with pytest.raises(TypeSyntaxError):
        parse_type(text)
