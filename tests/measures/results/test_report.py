"""MeasureReports are valid resources that say what was counted."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecqm.measures.evaluation.supplements import TupleSupplement
from ecqm.measures.results.report import (
    Reporting,
    individual_reports,
    members_of_populations,
    report_of_tallies,
    subject_list_report,
    tallied_supplements,
)
from ecqm.measures.scoring.criteria import Episodes, Evaluated, Labels
from ecqm.measures.scoring.groups import evaluate_measure
from ecqm.reporting.results.members import write_members, write_subject_lists
from ecqm.values import Code, DateTime, Quantity
from tests.measures.resources import CQFM, concept, criteria, group, measure, population

CODES = ("initial-population", "denominator", "numerator")
MALE = Code("M", "http://hl7.org/fhir/v3/AdministrativeGender", display="Male")


def reporting_and_results(basis: str) -> tuple[Reporting, Any]:
    stratifiers = [
        {"id": "s1", "criteria": criteria("denominator")},
        {"id": "s2", "component": [{"id": "c1", "criteria": criteria("Sex")}, {"criteria": criteria("numerator")}]},
    ]
    supplement = {"id": "sde-sex", "criteria": criteria("SDE Sex"), "usage": [concept("supplemental-data")]}
    definition = measure(
        group("proportion", *map(population, CODES), basis=basis, stratifier=stratifiers),
        supplementalData=[supplement],
        improvementNotation=concept("increase"),
    )
    listed = Episodes(np.array([0, 0, 1]), np.array([10, 11, 12]))
    defines: dict[str, Any] = {"Sex": Labels(np.array([0, 1, -1], dtype=np.int32), ("female", "male"))}
    if basis == "boolean":
        defines |= {code: np.array([True, True, False]) for code in CODES}
    else:
        defines |= dict.fromkeys(CODES, listed)
    results = evaluate_measure(definition, Evaluated(3, defines))
    reporting = Reporting(
        measure=definition,
        period=("2026-01-01", "2026-12-31"),
        patient_ids=["a", "b", "c"],
        date="2027-01-15T10:00:00Z",
        reporter="Organization/1",
        supplements={"sde-sex": [[MALE], [MALE, "x", True, 3, Decimal("1.5")], []]},
        episode_reference=lambda basis, key: f"{basis}/{key}",
    )
    return reporting, results


def summary(reporting: Reporting, results: Any) -> dict[str, Any]:
    supplements = tallied_supplements(reporting, np.zeros(3, np.bool_))
    return report_of_tallies(reporting, [result.tally() for result in results], supplements)


def subject_list(reporting: Reporting, results: Any, folder: Path) -> dict[str, Any]:
    """The report as it is written, with members."""
    canonical = reporting.measure.canonical
    write_members({canonical: members_of_populations(reporting, results)}, folder / "00000.members")
    report = subject_list_report(reporting, [result.tally() for result in results])
    write_subject_lists({canonical: report}, [folder / "00000.members"], folder / "lists", folder / "written.json")
    (entry,) = json.loads((folder / "written.json").read_text("utf-8"))["entry"]
    found: dict[str, Any] = entry["resource"]
    return found


@pytest.mark.parametrize("basis", ["boolean", "Encounter"])
def test_reports_are_valid_resources(basis: str, tmp_path: Path) -> None:
    resource = pytest.importorskip("fhir.resources.R4B.measurereport").MeasureReport
    reporting, results = reporting_and_results(basis)
    reports = [
        summary(reporting, results),
        subject_list(reporting, results, tmp_path),
        *individual_reports(reporting, results),
    ]
    assert [report["type"] for report in reports] == ["summary", "subject-list"] + ["individual"] * 3
    for report in reports:
        resource.model_validate_json(json.dumps(report))


def test_a_summary_has_counts_a_score_and_strata() -> None:
    reporting, results = reporting_and_results("Encounter")
    report = summary(reporting, results)
    (only,) = report["group"]
    assert [p["count"] for p in only["population"]] == [3, 3, 3]
    assert only["measureScore"] == {"value": 1.0}
    assert report["improvementNotation"]["coding"][0]["code"] == "increase"
    first, second = only["stratifier"]
    assert [s["value"]["text"] for s in first["stratum"]] == ["true", "false"]
    assert [s["population"][0]["count"] for s in second["stratum"]] == [2, 1]
    sexes = [o for o in report["contained"] if o["code"].get("coding")]
    assert [(o["code"]["coding"][0]["code"], o["valueInteger"]) for o in sexes] == [("M", 2)]
    assert {o["code"]["text"] for o in report["contained"] if "text" in o["code"]} == {"x", "true", "3", "1.5"}


def test_supplemental_data_are_counted_of_patients_that_have_a_report() -> None:
    reporting, _ = reporting_and_results("Encounter")
    counted = tallied_supplements(reporting, np.array([False, True, False]))["sde-sex"]
    assert list(counted.values()) == [1] and "true" not in "".join(counted)


def test_tuples_of_supplemental_data_are_one_observation_each() -> None:
    """FHIR R4, Observation.component: results that belong together, such as an encounter and its first result."""
    reporting, results = reporting_and_results("Encounter")
    elements = (
        ("Encounter", "e1"),
        ("Result", Quantity(Decimal("37.5"), "Cel")),
        ("Time", DateTime(2026, 7, 21, 8, 5, 0, 0, 0)),
        ("About", DateTime(2026, 7, 21, 8, offset=0)),
    )
    with_tuple = replace(reporting, supplements={"sde-sex": [[TupleSupplement(elements)], [], []]})
    first, *_ = individual_reports(with_tuple, results)
    (observation,) = first["contained"]
    assert not [name for name in observation if name.startswith("value")]
    assert [(part["code"]["text"], *list(part.values())[1:]) for part in observation["component"]] == [
        ("Encounter", "e1"),
        ("Result", {"value": 37.5, "unit": "Cel", "system": "http://unitsofmeasure.org", "code": "Cel"}),
        ("Time", "2026-07-21T08:05:00.000Z"),
        ("About", "2026-07-21T08Z"),
    ]
    assert [list(part)[1] for part in observation["component"][2:]] == ["valueDateTime", "valueString"]
    assert not tallied_supplements(with_tuple, np.zeros(3, np.bool_))["sde-sex"]


def test_subject_lists_name_episodes_or_patients(tmp_path: Path) -> None:
    for basis, members in (("boolean", ["Patient/a", "Patient/b"]), ("Encounter", ["Encounter/10", "Encounter/11"])):
        reporting, results = reporting_and_results(basis)
        report = subject_list(reporting, results, tmp_path)
        listed = {item["id"]: item for item in report["contained"]}
        reference = report["group"][0]["population"][0]["subjectResults"]["reference"]
        entries = listed[reference.removeprefix("#")]["entry"]
        assert [entry["item"]["reference"] for entry in entries][:2] == members


def test_individual_reports_leave_out_failed_patients() -> None:
    reporting, results = reporting_and_results("Encounter")
    reports = list(individual_reports(reporting, results, failed=np.array([True, False, False])))
    assert [report["subject"]["reference"] for report in reports] == ["Patient/b", "Patient/c"]
    assert [p["count"] for p in reports[0]["group"][0]["population"]] == [1, 1, 1]
    assert "measureScore" not in reports[1]["group"][0]
    assert len(reports[0]["evaluatedResource"]) == 5 and "contained" not in reports[1]


@pytest.mark.parametrize(
    ("own", "of_report", "of_groups"),
    [
        (("increase", "increase"), "increase", None),
        (("increase", "decrease"), None, ["increase", "decrease"]),
        (("increase", None), None, None),
    ],
)
def test_improvement_notations_are_of_the_report_or_of_all_groups(
    own: tuple[str | None, ...], of_report: str | None, of_groups: list[str] | None
) -> None:
    """DEQM, extension-groupImprovementNotation."""
    groups = [group("proportion", *map(population, CODES), group_id=f"g{n}") for n, _ in enumerate(own)]
    for each, notation in zip(groups, own, strict=True):
        if notation is not None:
            url = f"{CQFM}cqfm-improvementNotation"
            each["extension"].append({"url": url, "valueCodeableConcept": concept(notation)})
    definition = measure(*groups)
    evaluated = Evaluated(1, dict.fromkeys(CODES, np.ones(1, np.bool_)))
    tallies = [result.tally() for result in evaluate_measure(definition, evaluated)]
    reporting = Reporting(definition, ("2026", "2026"), ["a"])
    for report in (report_of_tallies(reporting, tallies, {}), subject_list_report(reporting, tallies)):
        stated = report.get("improvementNotation")
        assert (stated and stated["coding"][0]["code"]) == of_report
        extensions = [extension for each in report["group"] for extension in each.get("extension", ())]
        assert [each["valueCodeableConcept"]["coding"][0]["code"] for each in extensions] == (of_groups or [])
