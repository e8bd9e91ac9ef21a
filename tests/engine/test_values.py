"""Values made and taken apart on columns: what each patient gets, whatever the others have."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ecqm.data import Cohort
from ecqm.values import Code, Concept, Date, DateTime, Interval, Quantity, Tuple
from tests.data.resources import coded, encounter, observation, patient
from tests.engine.logic import Logic, cohort_of


@pytest.fixture
def cohort(tmp_path: Path) -> Cohort:
    """Patients with no, one and two encounters; the second has an observation."""
    return cohort_of(
        tmp_path,
        [patient("p0", gender="female")],
        [
            patient("p1"),
            encounter("e1", "p1"),
            observation("o1", "p1", status="final", component=[{"code": coded("x")}]),
        ],
        [patient("p2", birthDate="1999-12"), encounter("e2", "p2"), encounter("e3", "p2", status="planned")],
    )


VALUES: list[tuple[str, list[Any]]] = [
    ("Count([Encounter]) + 1", [1, 2, 3]),
    ("if Count([Encounter]) > 1 then 'many' else null", [None, None, "many"]),
    ("case Count([Encounter]) when 0 then 'none' when 1 then 'one' else 'more' end", ["none", "one", "more"]),
    ("case when exists ([Observation]) then 1.5 else 2 end", [2, 1.5, 2]),
    ("First([Encounter]).status.value", [None, "finished", "finished"]),
    ("Patient.birthDate.value", [Date(1950, 2, 3), Date(1950, 2, 3), Date(1999, 12)]),
    ("Patient.gender.value", ["female", None, None]),
    ("Count([Observation] O return O.component)", [0, 1, 0]),
    ("Count(flatten ([Observation] O return O.component))", [0, 1, 0]),
    ("First([Encounter] E return start of E.period)", [None, *[DateTime(2026, 1, 2, 8, 0, 0, None, -300)] * 2]),
    ("Tuple { n: Count([Encounter]), s: 'x' }", [Tuple(n=0, s="x"), Tuple(n=1, s="x"), Tuple(n=2, s="x")]),
    ("{ Count([Encounter]), null, 7 }", [(0, None, 7), (1, None, 7), (2, None, 7)]),
    (
        "Interval[0, Count([Encounter]))",
        [Interval(0, 0, True, False), Interval(0, 1, True, False), Interval(0, 2, True, False)],
    ),
    ("System.Quantity { value: 2.5, unit: 'mg' } * Count([Encounter])", [0, 2.5, 5]),
    ("Code { code: 'c', system: 's' }", [Code("c", "s")] * 3),
    ("Concept { codes: { Code { code: 'c', system: 's' } } }", [Concept((Code("c", "s"),))] * 3),
    ("System.Ratio { numerator: 1.5 'g', denominator: 2 'g' }.numerator", [Decimal("1.5")] * 3),
    ("System.ValueSet { id: 'v', version: '1' }.version", ["1"] * 3),
    ("Coalesce(First([Observation]).status.value, 'none')", ["none", "final", "none"]),
    ("First([Encounter]) is FHIR.Encounter", [False, True, True]),
    ("exists ([Encounter]) and null", [False, None, None]),
    ("exists ([Encounter]) or null", [None, True, True]),
    ("not (exists ([Encounter]) and Patient.gender.value = 'male')", [True, None, None]),
    ("[Encounter] E union ([Encounter] F)", [(), ("Encounter/e1",), ("Encounter/e2", "Encounter/e3")]),
    ("Last([Encounter] E sort by status.value).status.value", [None, "finished", "planned"]),
]


@pytest.mark.parametrize(("expression", "expected"), VALUES, ids=[expression for expression, _ in VALUES])
def test_elements_and_constants_have_their_values(cohort: Cohort, expression: str, expected: list[Any]) -> None:
    logic = Logic(f"define X: {expression}")
    executor = logic.executor(cohort)
    found = logic.values("X", executor)
    assert [value.value if isinstance(value, Quantity) else value for value in found] == expected
    assert not executor.errors


def test_parameters_and_their_defaults(cohort: Cohort) -> None:
    source = "define X: Count([Encounter]) + Least"
    logic = Logic(source, declarations="parameter Least default 10\nparameter Unset Integer\n")
    assert logic.values("X", cohort) == [10, 11, 12]
    assert logic.values("X", logic.executor(cohort, {"Least": 1})) == [1, 2, 3]
    unset = Logic("define X: Unset", declarations="parameter Unset Integer\n")
    assert unset.values("X", cohort) == [None] * 3


def test_extensions_of_primitives_and_codes(tmp_path: Path) -> None:
    """Their columns have no room for extensions, which are beside them; so are those of the codings of a concept."""
    told = [{"url": "http://example.org/told", "valueString": "x"}]
    people = cohort_of(
        tmp_path,
        [patient("p0", gender="female"), encounter("e0", "p0")],
        [
            patient("p1", gender="female", _gender={"extension": told})
            | {"_birthDate": {"extension": told}}
            | {"name": [{"given": ["A"]}, {"given": ["B", "C", "D"], "_given": [None, {"extension": told}]}]},
            encounter("e1", "p1", **{"class": {"code": "AMB", "extension": told}}),
            observation("o1", "p1", code=coded("x") | {"extension": told}, valueString="y")
            | {"_valueString": {"extension": told}, "category": [coded("a"), coded("b") | {"extension": told}]}
            | {"method": {"coding": [{"code": "m"}, {"code": "n", "extension": told, "userSelected": True}]}},
        ],
    )
    for expression in (
        "exists Patient.birthDate.extension",
        "exists Patient.gender.extension",
        "exists ([Encounter] E where exists E.class.extension)",
        "exists ([Observation] O where exists O.code.extension)",
        "exists ([Observation] O where exists O.value.extension)",
        "exists ([Observation] O where exists (O.category C where exists C.extension and C.coding[0].code = 'b'))",
        "exists ([Observation] O where exists First(O.category C where C.coding[0].code = 'b').extension)",
        "exists ([Observation] O where exists O.method.coding[1].extension)",
        "exists ([Observation] O where exists O.method.coding[1].extension('http://example.org/told'))",
        "exists ([Observation] O where exists (O.method.coding C where exists C.extension and C.code = 'n'))",
        "exists ([Observation] O where exists flatten(O.method.coding C return C.extension))",
        "exists ([Observation] O where Last(O.method.coding).userSelected)",
        "exists ([Observation] O where not (exists First(O.method.coding).extension))",
        "exists (Patient.name N where exists (N.given G where G = 'C' and exists G.extension))",
        "exists (flatten(Patient.name N return flatten(N.given G return G.extension)))",
        "First(Patient.birthDate.extension E return E.value as FHIR.string).value = 'x'",
    ):
        values = Logic(f"define X: {expression}").values("X", people)
        assert [bool(value) for value in values] == [False, True], expression
    elsewhere = Logic(
        "define X: exists (Patient.name N where exists (N.given G where G != 'C' and exists G.extension))"
    )
    assert elsewhere.values("X", people) == [False, False]
