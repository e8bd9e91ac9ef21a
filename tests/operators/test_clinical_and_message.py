"""Membership in value sets and code systems, and messages: what needs a terminology or a listener."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from ecqm.operators import registry
from ecqm.operators.message import MessageError, Severity, Told, telling
from ecqm.terminology import Expansion
from ecqm.values import Code, CodeSystem, Concept, CqlError, DateTime, EvaluationContext, ValueSet, evaluating

HEART = {("snomed", "22298006"), ("snomed", "84114007")}
MIXED = {("snomed", "1"), ("icd", "1"), ("icd", "2")}


class Service:
    """Two value sets, one code system and one line of descent."""

    def find(self, identifier: str, version: str | None = None) -> Expansion | None:
        known = {"heart": HEART, "mixed": MIXED}.get(identifier)
        return None if known is None else Expansion(identifier, version, None, frozenset(known), True)

    def codes(self, code_system: str, version: str | None) -> frozenset[str]:
        return frozenset({"1", "2"}) if code_system == "icd" else frozenset()

    def is_same(self, one: str, other: str) -> bool:
        return one == other

    def subsumes(self, ancestor: Code, descendant: Code) -> bool:
        return (ancestor.code, descendant.code) == ("heart", "infarct")


@pytest.fixture(autouse=True)
def request_with_terminology() -> Iterator[None]:
    with evaluating(EvaluationContext(DateTime(2026, 1, 1, offset=0), 0, Service())):
        yield


def call(name: str, *operands: Any) -> Any:
    return registry.get(name).call(*operands)


INFARCT = Code("22298006", "snomed", display="Myocardial infarction")
OTHER = Code("22298006", "other")


@pytest.mark.parametrize(
    ("operand", "expected"),
    [
        (INFARCT, True),
        (Code("22298006", "snomed", version="2023"), True),
        (OTHER, False),
        (Code("22298006"), False),
        ("84114007", True),
        ("1", False),
        (Concept((OTHER, INFARCT)), True),
        (Concept((OTHER, None)), False),
        (Concept(()), False),
    ],
)
def test_one_code_or_concept_is_in_a_value_set(operand: Any, expected: bool) -> None:
    assert call("InValueSet", operand, ValueSet("heart")) is expected


def test_null_is_in_no_value_set() -> None:
    for signature in ("String", "Code", "Concept"):
        overload = registry.get("InValueSet").overload(f"({signature}, ValueSet) -> Boolean")
        assert overload.scalar(None, ValueSet("heart")) is False


@pytest.mark.parametrize(
    ("operand", "expected"),
    [
        ((OTHER, INFARCT), True),
        ((OTHER, None), False),
        ((None,), False),
        ((), False),
        (("84114007", "x"), True),
        ((Concept((OTHER,)), Concept((INFARCT,))), True),
    ],
)
def test_any_of_a_list_is_in_a_value_set(operand: Any, expected: bool) -> None:
    assert call("AnyInValueSet", operand, ValueSet("heart")) is expected


def test_a_bare_code_is_ambiguous_among_several_systems() -> None:
    with pytest.raises(CqlError, match="ambiguous"):
        call("InValueSet", "1", ValueSet("mixed"))
    assert call("InValueSet", Code("1", "icd"), ValueSet("mixed")) is True


def test_an_unknown_value_set_is_an_error() -> None:
    with pytest.raises(CqlError, match="is not available"):
        call("InValueSet", INFARCT, ValueSet("nowhere"))


def test_no_terminology_is_an_error() -> None:
    with evaluating(EvaluationContext(DateTime(2026, 1, 1))), pytest.raises(CqlError, match="no terminology"):
        call("InValueSet", INFARCT, ValueSet("heart"))


def test_expansion_lists_the_codes() -> None:
    expanded = call("ExpandValueSet", ValueSet("heart"))
    assert expanded == (Code("22298006", "snomed"), Code("84114007", "snomed"))


def test_codes_are_in_a_code_system_with_their_system() -> None:
    icd = CodeSystem("icd")
    assert call("InCodeSystem", "2", icd) is True
    assert call("InCodeSystem", Code("2", "icd"), icd) is True
    assert call("InCodeSystem", Code("2", "snomed"), icd) is False
    assert call("InCodeSystem", Concept((Code("9", "icd"), Code("1", "icd"))), icd) is True
    assert call("AnyInCodeSystem", (Code("9", "icd"), None), icd) is False
    assert call("AnyInCodeSystem", ("9", "1"), icd) is True


def test_subsumption() -> None:
    heart, infarct = Code("heart", "snomed"), Code("infarct", "snomed")
    assert call("Subsumes", heart, infarct) is True
    assert call("Subsumes", infarct, heart) is False
    assert call("SubsumedBy", infarct, heart) is True
    assert call("Subsumes", heart, heart) is True
    assert call("Subsumes", Concept((infarct, heart)), Concept((infarct,))) is True


def test_messages_go_to_the_listener_and_the_source_comes_back() -> None:
    told: list[Told] = []
    with telling(told.append):
        assert call("Message", (1, 2), True, "100", "Warning", "look") == (1, 2)
        assert call("Message", 5, False, "100", "Error", "not said") == 5
        assert call("Message", 5, None, "100", "Error", "not said") == 5
        assert call("Message", 5, True, None, None, "plain") == 5
    assert told == [
        Told(Severity.WARNING, "100", "look", (1, 2)),
        Told(Severity.MESSAGE, None, "plain", 5),
    ]


def test_an_error_ends_the_evaluation() -> None:
    with telling(lambda told: None), pytest.raises(MessageError, match="400: no dose") as raised:
        call("Message", None, True, "400", "Error", "no dose")
    assert raised.value.told.severity is Severity.ERROR


def test_an_unknown_severity_is_an_error() -> None:
    with pytest.raises(CqlError, match="severity"):
        call("Message", 1, True, "1", "Loud", "text")


def test_the_log_does_not_show_the_source(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "ecqm.message"):
        call("Message", "name of a patient", True, "1", "Trace", "text")
    assert "text" in caplog.text and "patient" not in caplog.text
