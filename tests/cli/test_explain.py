"""`ecqm explain` and `ecqm plan` on the sample measures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ecqm.data import EVERYTHING, Demand
from ecqm.data.loading.load import load
from tests.bundles import visits
from tests.cli.samples import CASES, KIDNEY, SAMPLE, STAY, copy_of_sample, ecqm


def explained(patient: str, measure: str = KIDNEY) -> dict[str, Any]:
    arguments = ("--measure", measure, "--data", CASES / measure, "--patient", patient, "--format", "json")
    result = ecqm("explain", SAMPLE, *arguments)
    assert result.exit_code == 0, result.output
    told: dict[str, Any] = json.loads(result.stdout)
    return told


def clauses(clause: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield clause
    for inner in clause["clauses"]:
        yield from clauses(inner)


def blamed(told: dict[str, Any], define: str) -> dict[str, str]:
    """The clauses that kept the patient out of the population with this criterion: text and value."""
    (reason,) = [reason for reason in told["reasons"] if reason["define"] == define]
    return {clause["text"]: clause["value"] for clause in clauses(reason["clause"])}


def test_every_define_has_its_value() -> None:
    told = explained("kidney-young")
    values = {each["name"]: each["value"] for each in told["defines"]}
    assert values["Age At End"] == "17"
    assert values["Outpatient Visits"] == "{ Encounter/kidney-young-encounter-1 }"
    assert values["Dialysis In Period"] == "{ }"
    assert values["Initial Population"] == "false"
    counts = {each["code"]: each["count"] for each in told["groups"][0]["populations"]}
    assert counts["initial-population"] == counts["numerator"] == 0


def test_missing_value_sets_are_told(tmp_path: Path) -> None:
    content = copy_of_sample(tmp_path)
    (content / "input" / "vocabulary" / "valueset" / "external" / "valueset-dialysis.json").unlink()
    result = ecqm("explain", content, "--measure", KIDNEY, "--data", CASES / KIDNEY, "--patient", "kidney-young")
    assert result.exit_code == 0
    assert "ecqm: warning: value set https://ecqm.example/ValueSet/dialysis (used by" in result.stderr


def test_problems_with_the_data_of_the_patient_are_told(tmp_path: Path) -> None:
    data = (CASES / KIDNEY, tmp_path)
    for patient in ("kidney-young", "kidney-refuted"):
        subject = {"reference": f"Patient/{patient}"}
        encounter = {"resourceType": "Encounter", "id": f"of-{patient}", "subject": subject, "period": {"start": "?"}}
        (tmp_path / f"{patient}.json").write_text(json.dumps(encounter))
    load(data, tmp_path / "store")
    sources = [tmp_path / "store"], [*data[:1], *tmp_path.glob("*.json")]
    for paths in sources:
        options = [option for path in paths for option in ("--data", path)]
        result = ecqm("explain", SAMPLE, "--measure", KIDNEY, *options, "--patient", "kidney-young")
        assert result.exit_code == 0
        (warning,) = [line for line in result.stderr.splitlines() if line.startswith("ecqm: warning: ")]
        assert "patient kidney-young, Encounter/of-kidney-young: " in warning


def test_only_the_clauses_to_blame_are_told() -> None:
    reasons = blamed(explained("kidney-young"), "Initial Population")
    assert reasons['"Age At End" in Interval[18, 85]'] == "false"
    assert reasons['"Age At End"'] == "17"
    assert not any("Outpatient Visits" in text or "Diabetes" in text for text in reasons)


def test_a_population_that_is_drawn_from_another() -> None:
    (numerator,) = [reason for reason in explained("kidney-young")["reasons"] if reason["define"] == "Numerator"]
    assert numerator["clause"] is None
    assert numerator["instead"] == "the patient is not in denominator"
    (excluded,) = [reason for reason in explained("kidney-dialysis")["reasons"] if reason["define"] == "Numerator"]
    assert excluded["instead"] == "the patient is in denominator-exclusion"


def test_why_a_patient_is_in_an_exclusion() -> None:
    (reason,) = [reason for reason in explained("kidney-dialysis")["reasons"] if reason["member"]]
    assert reason["define"] == "Denominator Exclusions"
    told = {clause["text"]: clause["value"] for clause in clauses(reason["clause"])}
    assert told['exists "Dialysis In Period"'] == "true"
    assert told["Dialysis.status = 'completed'"] == "true in 1 of 1 row"
    assert told["Dialysis.status"] == "in 1 row: 'completed'"


def test_the_only_patient_needs_no_id(tmp_path: Path) -> None:
    case = CASES / KIDNEY / "too-young"
    assert "kidney-young" in ecqm("explain", SAMPLE, "--measure", KIDNEY, "--data", case).stdout
    several = ecqm("explain", SAMPLE, "--measure", KIDNEY, "--data", CASES / KIDNEY)
    assert several.exit_code == 2 and "the data have 12 patients: give the id of one" in several.stderr


def test_the_conditions_of_a_query_are_counted_by_rows() -> None:
    reasons = blamed(explained("kidney-cancelled"), "Initial Population")
    assert reasons['exists "Outpatient Visits"'] == "false"
    assert reasons["Visit.status = 'finished'"] == "true in 0 of 1 row"
    assert reasons["Visit.status"] == "in 1 row: 'cancelled'"
    refuted = blamed(explained("kidney-refuted"), "Initial Population")
    assert refuted['not (Known.verificationStatus ~ "Refuted")'] == "true in 0 of 1 row"
    assert refuted['(Known.verificationStatus ~ "Refuted")'] == "true in 1 of 1 row"


def test_who_is_in_a_population_needs_no_reason() -> None:
    told = explained("kidney-tested")
    assert not {"Initial Population", "Denominator", "Numerator"} & {reason["define"] for reason in told["reasons"]}


def test_clauses_have_their_place() -> None:
    told = explained("kidney-young")
    clause = told["reasons"][0]["clause"]
    assert clause["library"] == f"{KIDNEY} 1.0.000"
    assert clause["locator"].count(":") == 2


@pytest.mark.parametrize("demand", [EVERYTHING, Demand.of(None, ["status"])], ids=["columns", "json"])
def test_patients_of_a_store(tmp_path: Path, demand: Demand) -> None:
    load([CASES / KIDNEY], tmp_path / "store", demand)
    arguments = ("--measure", KIDNEY, "--data", tmp_path / "store", "--patient", "kidney-refuted", "--format", "json")
    result = ecqm("explain", SAMPLE, *arguments)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == explained("kidney-refuted")


def test_text_for_people() -> None:
    result = ecqm("explain", SAMPLE, "--measure", KIDNEY, "--data", CASES / KIDNEY, "--patient", "kidney-young")
    assert "Age At End = 17" in result.stdout
    assert "not in initial-population" in result.stdout
    assert '"Age At End" in Interval[18, 85]  →  false' in result.stdout
    assert '"Initial Population"  →  false  (see above)' in result.stdout
    assert f'    59  "Initial Population"  →  false  in {KIDNEY} 1.0.000\n' in result.stdout
    assert "Interval[18, 85]  →  Interval[18, 85]" not in result.stdout


def test_why_an_operand_has_no_value(tmp_path: Path) -> None:
    cql = visits.CQL.replace(
        'define "Numerator": exists [Observation]',
        """define "Reading": Last([Observation] Finding where Finding.status.value = 'amended').issued.value
define "Numerator": "Reading" before day of @2026-06-01""",
    )
    visits.repository(tmp_path, visits.measure(), visits.library(cql))
    case = visits.deck(tmp_path / "cases") / "seen"
    result = ecqm("explain", tmp_path, "--measure", "Visits", "--data", case, "--patient", "seen")
    told = [line.strip() for line in result.stdout.splitlines()]
    assert any(line.endswith('"Reading"  →  null') for line in told)
    assert any(line.endswith("Finding.status.value  →  in 1 row: 'final'") for line in told)


def test_episodes() -> None:
    told = explained("stay-one", STAY)
    values = {each["name"]: each["value"] for each in told["defines"]}
    assert values["Initial Population"] == "{ Encounter/stay-one-encounter-1 }"
    assert [reason["define"] for reason in told["reasons"]] == ["Measure Population Exclusions"]
    (episode,) = told["counted"]
    assert episode["episode"] == "Encounter/stay-one-encounter-1"
    assert episode["populations"] == ["initial-population", "measure-population"]
    assert episode["observations"] == {"MeasureObservation_1_1": "3"}
    assert episode["strata"] == ["Stratification_1_2=true"]


def test_a_period_of_ones_own() -> None:
    arguments = (
        "--measure",
        STAY,
        "--data",
        CASES / STAY,
        "--patient",
        "stay-one",
        "--period",
        "2020-01-01/2020-12-31",
    )
    assert "initial-population 0" in ecqm("explain", SAMPLE, *arguments).stdout


def test_a_patient_who_is_not_there() -> None:
    result = ecqm("explain", SAMPLE, "--measure", KIDNEY, "--data", CASES / KIDNEY, "--patient", "kidney-yung")
    assert result.exit_code == 2
    assert "kidney-young" in result.stderr


# -- plan -------------------------------------------------------------------------------------------------------------


def test_plan_of_a_measure() -> None:
    result = ecqm("plan", SAMPLE, "--measure", STAY)
    assert result.exit_code == 0
    assert '"Initial Population"' in result.stdout and '"observation' in result.stdout


@pytest.mark.parametrize("form", ["text", "json"])
def test_plan_of_a_define(form: str) -> None:
    result = ecqm("plan", SAMPLE, "--measure", KIDNEY, "--define", "Numerator", "--format", form)
    assert result.exit_code == 0
    if form == "json":
        assert list(json.loads(result.stdout)["roots"]) == ["Numerator"]
    else:
        assert result.stdout.startswith('"Numerator"\n') and "Retrieve" in result.stdout


def test_plan_of_a_define_that_is_not_there() -> None:
    result = ecqm("plan", SAMPLE, "--measure", KIDNEY, "--define", "Numerater")
    assert result.exit_code == 2
    assert "'Numerator'" in result.stderr
