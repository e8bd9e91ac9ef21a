"""Extensions of primitives behind operators: they are those of the value that the operator selects."""

from __future__ import annotations

import pytest

from ecqm.data import Cohort
from tests.data.resources import Json, observation, patient
from tests.engine.logic import Logic, cohort_of


def told(text: str) -> Json:
    return {"extension": [{"url": "http://example.org/told", "valueString": text}]}


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Two patients; in the names of the second, the given names A, B and D have extensions, and so has the family name
    of the second name."""
    names = [
        {"given": ["A", "B"], "_given": [told("a"), told("b")], "family": "F"},
        {"given": ["C", "D"], "_given": [None, told("d")], "_family": told("f")},
    ]
    return cohort_of(
        tmp_path_factory.mktemp("people"),
        [patient("p0", name=[{"given": ["A"]}], gender="female")],
        [
            patient("p1", name=names, gender="female", _gender=told("g"), deceasedBoolean=True)
            | {"_birthDate": told("day"), "_deceasedBoolean": told("dead")},
            observation("o1", "p1", valueString="v") | {"_valueString": told("v")},
            observation("o2", "p1") | {"_valueDateTime": told("unknown")},
        ],
    )


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("First(Patient.name.given).extension", "a"),
        ("Last(Patient.name.given).extension", "d"),
        ("Patient.name.given[1].extension", "b"),
        ("Patient.name[1].given[1].extension", "d"),
        ("Last(Patient.name).given[1].extension", "d"),
        ("Patient.name.given.first().extension", "a"),
        ("First((Patient.name[1].given) G where G = 'D').extension", "d"),
        ("(singleton from (Patient.name.given G where G = 'B')).extension", "b"),
        ("Last(Patient.name N return all N.family).extension", "f"),
        ("Last(Patient.name N return all N.given[0]).extension", None),
        ("Last(Patient.name N return all N.given[1]).extension", "d"),
        ("First(Patient.name.given G return all G.extension)", "a"),
        ("Last(Patient.name.given G return all G.extension)", "d"),
        ("First(Patient.name.given G where G = 'B' return all G.extension)", "b"),
        ("First(Patient.name.given G where Last(Patient.name.given).extension[0].value = 'd').extension", "a"),
        ("Coalesce(Patient.birthDate, Patient.gender).extension", "day"),
        ("Coalesce(Patient.language, Patient.gender).extension", "g"),
        ("(if Patient.gender = 'female' then Patient.gender else null).extension", "g"),
        ("(case when Patient.gender = 'male' then Patient.gender else Patient.birthDate end).extension", "day"),
        ("(Patient.deceased as FHIR.boolean).extension", "dead"),
        ("(Patient.deceased as FHIR.dateTime).extension", None),
        ("First([Observation] O where O.id = 'o1' return all (O.value as FHIR.string).extension)", "v"),
        ("First([Observation] O where O.id = 'o2' return all (O.value as FHIR.dateTime).extension)", "unknown"),
    ],
)
def test_extensions_of_what_an_operator_selects(people: Cohort, source: str, text: str | None) -> None:
    without, found = Logic(f"define X: First({source}).value").values("X", people)
    assert (without, found) == (None, text)
