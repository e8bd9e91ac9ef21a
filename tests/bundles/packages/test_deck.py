"""Measure packages of QDM, planned and run on patients, and compared with what a reference came to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ecqm.bundles.content.documents import ContentError
from ecqm.bundles.packages.comparison import package_report
from ecqm.bundles.packages.deck import PackageDeck, run_deck
from ecqm.bundles.packages.folders import read_package
from ecqm.bundles.packages.runner import executor_of, plan_package, run_package
from ecqm.cli.main import main
from ecqm.data.qdm import read_patients
from ecqm.measures.decks.defects import DefectList
from ecqm.terminology import CodeIndex
from tests.bundles.packages.stays import (
    LIBRARY,
    SOME,
    SYSTEM,
    TWO_STAYS,
    deck,
    measure,
    property_of,
    retrieve,
    statement,
)
from tests.content import CONTENT
from tests.data.qdm.patients import code, element, patient


def test_episodes_strata_observations_and_statements(tmp_path: Path) -> None:
    root = deck(tmp_path, TWO_STAYS, patient(identifier="p2"))
    plan = plan_package(read_package(root / "measures" / "CMS1" / "CMS1.json"))
    codes = CodeIndex()
    cohort = read_patients([root / "patients"], plan.demand, codes, plan.version)
    results = run_package(plan, executor_of(plan, cohort, codes))
    first, second = results.of_patient(0), results.of_patient(1)
    assert first["Set1"].counts == {"IPP": 2, "MSRPOPL": 2, "MSRPOPLEX": 1}
    assert first["Set1"].observations == (1, 4)
    assert first["Set1"].episodes == {
        "a": {"IPP": 1, "MSRPOPL": 1, "MSRPOPLEX": 1}, "b": {"IPP": 1, "MSRPOPL": 1, "MSRPOPLEX": 0},
    }  # fmt: skip
    assert first["Set1 Stratum1"].counts == {"STRAT": 1, "IPP": 1, "MSRPOPL": 1, "MSRPOPLEX": 1}
    assert {name: outcome.value for (_, name), outcome in first["Set1"].statements.items()} == {
        "Initial Population": "TRUE", "Diagnosed": "TRUE", "Refused": "NA", "Unused": "NA", "Days": "FALSE",
        "Patient": "NA",
    }  # fmt: skip
    assert second["Set1"].counts == {"IPP": 0, "MSRPOPL": 0, "MSRPOPLEX": 0}
    outcomes = {name: outcome.value for (_, name), outcome in second["Set1"].statements.items()}
    assert (outcomes["Initial Population"], outcomes["Diagnosed"], outcomes["Days"]) == ("FALSE", "UNHIT", "UNHIT")


@pytest.mark.parametrize(
    ("result", "more"), [(4, True), (4.0, True), (4.5, True), (3, False), (None, False), ("four", False)]
)
def test_whole_numbers_are_decimals_too(tmp_path: Path, result: Any, more: bool) -> None:
    """`result > 3.0` asks for a Decimal; JSON has one kind of number, in which 4 is as good as 4.0."""
    literal = {"type": "Literal", "valueType": f"{{{SYSTEM}}}Decimal", "value": "3.0"}
    decimal = {"type": "As", "asType": f"{{{SYSTEM}}}Decimal", "operand": property_of("T", "result")}
    library = json.loads(json.dumps(LIBRARY))
    library["library"]["statements"]["def"][1]["expression"] = {
        "type": "Query", "relationship": [],
        "source": [{"alias": "T", "expression": retrieve("PositiveLaboratoryTestPerformed")}],
        "where": {"type": "Greater", "operand": [decimal, literal]}}  # fmt: skip
    changed = measure(scoring="COHORT")
    changed["cql_libraries"][0]["elm"] = library
    changed["population_sets"][0] |= {
        "populations": {"IPP": statement("Initial Population")}, "stratifications": [], "observations": []
    }  # fmt: skip
    root = deck(
        tmp_path, patient(element("LaboratoryTestPerformed", "t", [code("183452005")], result=result)), of=changed
    )
    plan = plan_package(read_package(root / "measures" / "CMS1" / "CMS1.json"))
    codes = CodeIndex()
    cohort = read_patients([root / "patients"], plan.demand, codes, plan.version)
    results = run_package(plan, executor_of(plan, cohort, codes))
    assert results.of_patient(0)["Set1"].counts == {"IPP": float(more)}


def test_lists_are_counted_whatever_the_package_says_it_counts(tmp_path: Path) -> None:
    """Packages say PATIENT of measures whose populations are lists; the tools count the elements of these."""
    root = deck(tmp_path, TWO_STAYS, of=measure("PATIENT"))
    plan = plan_package(read_package(root / "measures" / "CMS1" / "CMS1.json"))
    assert plan.measure.measure.groups[0].basis == "EncounterPerformed"
    codes = CodeIndex()
    cohort = read_patients([root / "patients"], plan.demand, codes, plan.version)
    counts = run_package(plan, executor_of(plan, cohort, codes)).of_patient(0)["Set1"].counts
    assert counts == {"IPP": 2, "MSRPOPL": 2, "MSRPOPLEX": 1}


def test_a_deck_is_compared_with_its_reference(tmp_path: Path) -> None:
    root = deck(tmp_path / "set", TWO_STAYS)
    result = {"Set1": {
        "IPP": 2, "MSRPOPL": 2, "MSRPOPLEX": 1, "observation_values": [None, 4, 1],
        "episode_results": {"a": {"IPP": 1, "MSRPOPL": 1, "MSRPOPLEX": 1}, "b": {"IPP": 1, "MSRPOPL": 1}},
        "statements": {"Stays": {"Initial Population": "TRUE", "Diagnosed": "FALSE", "Unused": "NA"}},
    }}  # fmt: skip
    runs_told = [{"set": "set", "measure": "CMS1", "measureFile": "CMS1.json", "patient": "p0.json", "result": result}]
    (tmp_path / "reference-results.json").write_text(json.dumps(runs_told))
    runs = run_deck(PackageDeck.open(root))
    totals = package_report({}, runs)["totals"]
    assert (totals["cases"], totals["agree"], totals["errors"]) == (1, 1, 0)
    assert totals["episodes"] == {"cases": 1, "agree": 1}
    assert (totals["observations"]["cases"], totals["observations"]["agree"]) == (1, 1)
    assert totals["statements"] == {"compared": 3, "agree": 2}
    shown = CliRunner().invoke(main, ["test", str(root)])
    assert shown.exit_code == 0 and "statements agree 2 of 3" in shown.output


def test_expected_values_stand_in_for_a_reference(tmp_path: Path) -> None:
    expected = {"measure_id": "ABC", "population_index": 0, "IPP": 3, "MSRPOPL": 2}
    document = json.dumps(json.loads(TWO_STAYS) | {"expectedValues": [expected]}).encode()
    root = deck(tmp_path, document)
    shown = CliRunner().invoke(main, ["test", str(root), "--format", "json"])
    assert shown.exit_code == 1
    (result,) = json.loads(shown.output)["measures"][0]["results"]
    assert result["expectedValues"] == {"agree": False, "referenceAgrees": None}
    assert {p["id"]: p["actual"] for p in result["groups"][0]["populations"]} == {"IPP": 2, "MSRPOPL": 2}
    told = CliRunner().invoke(main, ["test", str(root)])
    assert told.exit_code == 1 and "--html FOLDER shows why" in told.stderr


@pytest.mark.parametrize("wrong", [{"IPP": ["3"]}, {"IPP": "three"}, {"population_index": -9}, {"IPP": None}])
def test_expected_values_that_are_none(tmp_path: Path, wrong: dict[str, Any]) -> None:
    expected = {"measure_id": "ABC", "population_index": 0, "IPP": 2} | wrong
    document = json.dumps(json.loads(TWO_STAYS) | {"expectedValues": [expected]}).encode()
    shown = CliRunner().invoke(main, ["test", str(deck(tmp_path, document))])
    assert shown.exit_code in (0, 1), shown.output


def test_what_cannot_run_is_told(tmp_path: Path) -> None:
    broken = measure()
    broken["population_sets"][0]["populations"]["IPP"] = statement("Nowhere")
    (run,) = run_deck(PackageDeck.open(deck(tmp_path, TWO_STAYS, of=broken)))
    assert "Nowhere" in str(run.results[0].error)
    path = tmp_path / "measures" / "CMS1" / "CMS1.json"
    path.write_text(json.dumps(measure() | {"main_cql_library": "Other"}))
    with pytest.raises(ContentError, match="main"):
        read_package(path)
    with pytest.raises(ContentError):
        PackageDeck.open(tmp_path / "measures")


def test_a_negated_value_set_is_found_by_that_value_set(tmp_path: Path) -> None:
    refused = element("DeviceOrder", "d", [code(SOME, "1.2.3.4.5.6.7.8.9.10")], negationRationale=code("105480006"))
    other = element("DeviceOrder", "o", [code("1.2.3", "1.2.3.4.5.6.7.8.9.10")], negationRationale=code("105480006"))
    plan = plan_package(read_package(deck(tmp_path, patient(refused, other)) / "measures" / "CMS1" / "CMS1.json"))
    codes = CodeIndex()
    executor = executor_of(plan, read_patients([tmp_path / "patients"], plan.demand, codes, plan.version), codes)
    found: Any = executor.evaluate(plan.statements["Stays", "Refused"], "Refused")
    assert found.values.field("id").texts() == ["d"]


def test_a_library_that_no_row_leads_to_is_not_hit(tmp_path: Path) -> None:
    """The call of a function stands in a query over encounters: a patient without any does not enter its library."""
    operand = {"name": "x", "operandTypeSpecifier": {"type": "NamedTypeSpecifier", "name": f"{{{SYSTEM}}}Any"}}
    present = {"type": "Not", "operand": {"type": "IsNull", "operand": {"type": "OperandRef", "name": "x"}}}
    helper = {"library": {
        "identifier": {"id": "Helper", "version": "1"}, "schemaIdentifier": {"id": "urn:hl7-org:elm", "version": "r1"},
        "usings": {"def": [{"localIdentifier": "System", "uri": SYSTEM}]},
        "statements": {"def": [{"name": "Present", "context": "Patient", "type": "FunctionDef", "localId": "1",
                                "operand": [operand], "expression": present}]},
    }}  # fmt: skip
    library = json.loads(json.dumps(LIBRARY))
    library["library"]["includes"] = {"def": [{"localIdentifier": "H", "path": "Helper", "version": "1"}]}
    initial = library["library"]["statements"]["def"][1]["expression"]
    call = {
        "type": "FunctionRef",
        "libraryName": "H",
        "name": "Present",
        "operand": [property_of("E", "relevantPeriod")],
    }
    initial["where"] = {"type": "And", "operand": [initial["where"], call]}
    told = measure()
    told["cql_libraries"] = [{"library_name": "Stays", "elm": library}, {"library_name": "Helper", "elm": helper}]
    root = deck(tmp_path, TWO_STAYS, patient(identifier="p2"), of=told)
    plan = plan_package(read_package(root / "measures" / "CMS1" / "CMS1.json"))
    codes = CodeIndex()
    results = run_package(plan, executor_of(plan, read_patients([root / "patients"], plan.demand, codes), codes))
    outcomes = [results.of_patient(row)["Set1"].statements["Helper", "Present"].value for row in (0, 1)]
    assert outcomes == ["FALSE", "UNHIT"]


@pytest.mark.skipif(not (CONTENT / "qdm").is_dir(), reason="QDM content is not at hand")
@pytest.mark.parametrize("name", ["cqm-execution", "bonnie-js"])
def test_published_packages_agree_with_the_reference(name: str) -> None:
    listed = DefectList.read(Path(__file__).parents[3] / "conformance" / "qdm_defects.toml")
    runs = run_deck(PackageDeck.open(CONTENT / "qdm" / name), defects=listed)
    assert [(run.measure, r.case.name) for run in runs for r in run.results if not r.passes] == []
    statements = package_report({}, runs)["totals"]["statements"]
    assert statements["agree"] >= 0.99 * statements["compared"] > 1000
