"""`ecqm eval` and `ecqm repl`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from ecqm.cli.main import main
from tests.cli.samples import CASES, KIDNEY, PERIOD, SAMPLE, ecqm

CQL = SAMPLE / "input" / "cql"
VALUE_SETS = SAMPLE / "input" / "vocabulary"
ABOUT = ("--data", CASES / KIDNEY, "--libraries", CQL)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1 + 1", "2"),
        ("1 / 3", "0.33333333"),
        ("'a' + 'b'", "'ab'"),
        ("null", "null"),
        ("@2026-01-31 + 1 month", "@2026-02-28"),
        ("Interval[1, 5) overlaps Interval[4, 9]", "true"),
        ("({ 3, 1, 2 }) X sort desc", "{ 3, 2, 1 }"),
        ("Tuple { a: 1 'mg', b: { 'x' } }", "Tuple { a: 1 'mg', b: { 'x' } }"),
        ("{ 1, 2, 3, 4, 5, 6, 7 }", "{ 1, 2, 3, 4, 5, 6, 7 }"),
    ],
)
def test_values_in_the_notation_of_cql(expression: str, value: str) -> None:
    result = ecqm("eval", expression)
    assert (result.stdout.strip(), result.exit_code) == (value, 0)


def test_what_does_not_compile() -> None:
    result = ecqm("eval", "1 + true")
    assert result.exit_code == 1
    assert "expression:1:" in result.stderr and not result.stdout


def test_what_raises_an_error() -> None:
    result = ecqm("eval", "singleton from { 1, 2 }")
    assert result.exit_code == 1
    assert "more than one element" in result.stderr


def test_values_of_data_are_converted_without_libraries() -> None:
    result = ecqm("eval", "[Encounter] E where E.status = 'finished' return E.status", "--data", CASES / KIDNEY)
    assert result.exit_code == 0 and "'finished'" in result.stdout


def test_without_data_there_is_nothing_to_retrieve(tmp_path: Path) -> None:
    (tmp_path / "Mine.cql").write_text(
        "library Mine\nusing FHIR version '4.0.1'\ncontext Patient\ndefine A: [Encounter]"
    )
    result = ecqm("eval", "A", "--library", tmp_path / "Mine.cql")
    assert result.exit_code == 1
    assert "no data" in result.stderr


def test_about_a_patient() -> None:
    patient = ("--patient", "kidney-cancelled")
    assert ecqm("eval", "[Encounter]", *ABOUT, *patient).stdout == "{ Encounter/kidney-cancelled-encounter-1 }\n"
    assert ecqm("eval", "First([Encounter]).status.value", *ABOUT, *patient).stdout == "'cancelled'\n"
    assert ecqm("eval", "[Encounter] E where E.status = 'finished'", *ABOUT, *patient).stdout == "{ }\n"
    result = ecqm("eval", "1", *ABOUT, "--patient", "nobody")
    assert result.exit_code == 2
    assert "'nobody' in the data, which has" in result.stderr


def test_in_the_light_of_a_library() -> None:
    library = ("--library", CQL / f"{KIDNEY}.cql", "--valuesets", VALUE_SETS, "--period", PERIOD)
    result = ecqm("eval", '"Age At End" + 100', *library, *ABOUT, "--patient", "kidney-young")
    assert result.stdout == "117\n", result.stderr
    result = ecqm("eval", '"Initial Population"', *library, *ABOUT, "--patient", "kidney-tested")
    assert result.stdout == "true\n", result.stderr


def prompt(*lines: str, options: tuple[object, ...] = ()) -> list[str]:
    """What a session answers to these lines; there are no prompts where there is no terminal."""
    result = CliRunner().invoke(main, ["repl", *map(str, options)], input="\n".join(lines) + "\n")
    assert result.exit_code == 0, result.output
    return [line for line in result.output.splitlines() if line]


def test_definitions_persist_and_can_be_replaced() -> None:
    assert prompt("define X: 2", "X * 3", "define X: 5", "define Y: X + 1", "Y", "define X: 7", "Y") == ["6", "6", "8"]


def test_functions_and_terminology() -> None:
    lines = (
        "define function Double(n Integer): n * 2",
        "Double(21)",
        "codesystem \"S\": 'http://s'",
        'code "c": \'a\' from "S"',
        '"c".code',
        "parameter P default 5",
        "P",
    )
    assert prompt(*lines) == ["42", "'a'", "5"]


def test_a_mistake_is_told_and_forgotten() -> None:
    answers = prompt("define X: 1 + true", "X", "1 +", "singleton from { 1, 2 }", "1")
    assert "definition:" in answers[0]
    assert "'X'" in answers[1]
    assert "expression:1:4" in answers[2]
    assert answers[3].startswith("error: ")
    assert answers[4] == "1"


def test_open_brackets_go_on() -> None:
    assert prompt("{ 1,", "  2,", "  3 }", "'('") == ["{ 1, 2, 3 }", "'('"]


def test_leaving() -> None:
    assert prompt("1", "exit", "2") == ["1"]


def test_a_session_about_a_patient() -> None:
    options = (*ABOUT, "--patient", "kidney-young")
    assert prompt("define E: First([Encounter])", "E", "E.status.value", options=options) == [
        "Encounter/kidney-young-encounter-1",
        "'finished'",
    ]


def test_a_session_in_a_library() -> None:
    options = ("--library", CQL / f"{KIDNEY}.cql", *ABOUT, "--patient", "kidney-young", "--period", PERIOD)
    assert prompt('define Twice: "Age At End" * 2', "Twice", options=options) == ["34"]


def test_what_an_expression_lacks_is_told() -> None:
    library = ("--library", CQL / f"{KIDNEY}.cql", *ABOUT, "--patient", "kidney-tested")
    result = ecqm("eval", '"Outpatient Visits"', *library)
    assert (result.exit_code, result.stdout) == (0, "{ }\n")
    assert "value set https://ecqm.example/ValueSet/outpatient-visit: not found" in result.stderr
    assert 'parameter "Measurement Period" has no value; set it with --period' in result.stderr
    result = ecqm("eval", '"Outpatient Visits"', *library, "--valuesets", VALUE_SETS, "--period", "2026")
    assert result.stdout.startswith("{ Encounter/") and not result.stderr


def test_help_within_a_session() -> None:
    assert "exit" in prompt("help")[-1]


def test_functions_of_different_profiles_of_a_type(tmp_path: Path) -> None:
    """In ELM both are functions of a Procedure."""
    library, data = tmp_path / "Mine.cql", tmp_path / "data.json"
    library.write_text("""library Mine
using QICore version '6.0.0'
context Patient
define fluent function state(procedure Procedure): 'done'
define fluent function state(procedure ProcedureNotDone): 'not done'
define Done: [Procedure] P return P.state()
define NotDone: [ProcedureNotDone] P return P.state()
""")
    patient = {"resourceType": "Patient", "id": "p"}
    refused = {"resourceType": "Procedure", "id": "q", "status": "not-done", "subject": {"reference": "Patient/p"}}
    data.write_text(json.dumps({"resourceType": "Bundle", "entry": [{"resource": patient}, {"resource": refused}]}))
    result = ecqm("eval", "Tuple { a: Done, b: NotDone }", "--library", library, "--data", data)
    assert (result.stdout.strip(), result.exit_code) == ("Tuple { a: { }, b: { 'not done' } }", 0), result.stderr
