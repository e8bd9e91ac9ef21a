"""Who submits, and which results can be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ecqm.reporting.programs import SubmissionError
from ecqm.reporting.submission import PROGRAMS, Submitter, is_npi, read_results
from tests.cli.samples import KIDNEY
from tests.reporting.submissions import results_of

TIN, NPI = "123456789", "1234567893"


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("1234567893", True),  # the example of CMS's description of the check digit
        ("1234567890", False),
        ("1234567983", False),
        ("123456789", False),
        ("12345678930", False),
        ("123456789x", False),
    ],
)
def test_an_npi_has_a_check_digit(text: str, valid: bool) -> None:
    assert is_npi(text) is valid


@pytest.mark.parametrize(
    ("program", "numbers", "reason"),
    [
        ("MIPS_INDIV", {"tin": "12345678", "npi": NPI}, "12345678 is no TIN"),
        ("MIPS_INDIV", {"tin": TIN, "npi": "1234567890"}, "1234567890 is no NPI"),
        ("MIPS_INDIV", {"tin": TIN}, "MIPS_INDIV asks for an NPI"),
        ("MIPS_INDIV", {"npi": NPI}, "MIPS_INDIV asks for a TIN"),
        ("MIPS_GROUP", {"tin": TIN, "npi": NPI}, "MIPS_GROUP takes no NPI"),
        ("MIPS_GROUP", {}, "MIPS_GROUP asks for a TIN"),
        ("MIPS_APP1_APMENTITY", {"tin": TIN}, "MIPS_APP1_APMENTITY takes no TIN"),
        ("MIPS_APP1_APMENTITY", {}, "MIPS_APP1_APMENTITY asks for an entity identifier"),
        ("APP_PLUS_INDIV", {"tin": TIN, "npi": NPI, "entity_id": "A1"}, "APP_PLUS_INDIV takes no entity identifier"),
    ],
)
def test_a_programme_asks_for_its_numbers(program: str, numbers: dict[str, str], reason: str) -> None:
    with pytest.raises(SubmissionError, match=reason):
        Submitter(program, **numbers)


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_programme_has_an_entity_and_a_name(program: str) -> None:
    numbers = (
        {"tin": TIN, "npi": NPI if program.endswith("INDIV") else None}
        if program.endswith(("INDIV", "_GROUP"))
        else {"entity_id": "A1"}
    )
    submitter = Submitter(program, **numbers)
    assert submitter.entity and submitter.qpp_program in ("mips", "app1", "appPlus")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return results_of(tmp_path_factory.mktemp("results"))


def changed(folder: Path, source: Path, name: str, **fields: Any) -> Path:
    """A copy of results with something different in one file."""
    for each in ("counts.json", "run.json", "errors.json"):
        content = json.loads((source / each).read_bytes())
        (folder / each).write_text(json.dumps(content | (fields if each == name else {})), "utf-8")
    return folder


@pytest.mark.parametrize("name", ["", KIDNEY, "CMS349", "CMS349v8", "349FHIR"])
def test_measures_are_chosen_by_their_names(results: Path, name: str) -> None:
    (measure,) = read_results(results, [name] if name else []).measures
    assert (measure.name, measure.cms) == (KIDNEY, "349FHIR")


def test_what_is_not_there_is_told(tmp_path: Path, results: Path) -> None:
    with pytest.raises(SubmissionError, match="has no results of ecqm run"):
        read_results(tmp_path)
    with pytest.raises(SubmissionError, match=f"no results of a measure CMS122; there are those of {KIDNEY}"):
        read_results(results, ["CMS122"])
    (changed(tmp_path, results, "run.json") / "counts.json").write_text("{}", "utf-8")
    with pytest.raises(SubmissionError, match="cannot be read"):
        read_results(tmp_path)


@pytest.mark.parametrize(
    ("name", "fields", "reason"),
    [
        ("run.json", {"not_run": {"Other": "no library"}}, "Other was not run: no library"),
        ("run.json", {"missing_value_sets": ["Dialysis is missing"]}, "value set Dialysis is missing"),
        ("errors.json", {"not_read": ["shard 3 is damaged"]}, "not read: shard 3 is damaged"),
    ],
)
def test_a_run_with_errors_is_not_submitted(
    tmp_path: Path, results: Path, name: str, fields: dict[str, Any], reason: str
) -> None:
    folder = changed(tmp_path, results, name, **fields)
    with pytest.raises(SubmissionError, match=reason):
        read_results(folder)
    assert read_results(folder, allow_errors=True).measures


def test_patients_that_failed_are_not_left_out_in_silence(tmp_path: Path, results: Path) -> None:
    measures = json.loads((results / "counts.json").read_bytes())["measures"]
    folder = changed(tmp_path, results, "counts.json", measures=[{**each, "errors": 2} for each in measures])
    with pytest.raises(SubmissionError, match=f"{KIDNEY}: the evaluation of 2 patients failed"):
        read_results(folder)
