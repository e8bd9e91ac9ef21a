"""The results that can be submitted."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ecqm.reporting.submissions.errors import SubmissionError
from ecqm.reporting.submissions.results import read_results
from tests.cli.samples import KIDNEY, ecqm
from tests.reporting.submissions.sample import MIPS, results_of


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


def damaged(folder: Path, source: Path, name: str, at: str, value: Any) -> Path:
    """A copy of results in which what one place holds is another value, or is gone (`...`); `at` is the way to it."""
    content = json.loads((changed(folder, source, "") / name).read_bytes())
    *outer, last = (int(step) if step.isdigit() else step for step in at.split("."))
    place = content
    for step in outer:
        place = place[step]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    (folder / name).write_text(json.dumps(content), "utf-8")
    return folder


_STRATUM = {"stratifier": "S", "identifier": None, "label": "true", "populations": {}, "observations": []}
_OBSERVED = {"id": "O", "identifier": None, "population": "Numerator_1", "values": 1, "value": 1.5}
_GROUP = "measures.0.groups.0"


@pytest.mark.parametrize(
    ("name", "at", "value", "reason"),
    [
        ("counts.json", f"{_GROUP}.strata", [_STRATUM], "stratum 'true' of S does not say how many are in Initial"),
        ("counts.json", f"{_GROUP}.populations.1.id", "InitialPopulation_1", "two populations of group .* have one id"),
        ("counts.json", f"{_GROUP}.populations.1.code", "measure-observation", "is an observation, which has no memb"),
        ("counts.json", f"{_GROUP}.populations.1.count", -1, "Expected `int` >= 0"),
        ("counts.json", f"{_GROUP}.observations", [_OBSERVED | {"method": "mode"}], "Invalid enum value 'mode'"),
        ("run.json", "not_run", [], "Expected `object`, got `array` - at `\\$.not_run`"),
        ("run.json", "missing_value_sets", ..., "missing required field `missing_value_sets`"),
        ("errors.json", "not_read", 5, "Expected `array`, got `int`"),
    ],
)
def test_results_that_contradict_themselves_cannot_be_read(
    tmp_path: Path, results: Path, name: str, at: str, value: Any, reason: str
) -> None:
    with pytest.raises(SubmissionError, match=f"cannot be read: .*{reason}"):
        read_results(damaged(tmp_path, results, name, at, value))


@pytest.mark.parametrize("form", ["qpp", "qrda3"])
@pytest.mark.parametrize(
    ("at", "value", "reason"),
    [
        ("measures.0.period", ["2026-01-01", "today"], "'today' cannot be the start or end of a measurement period"),
        ("measures.0.period", ["2026-13-01", "2026-12-31"], "'2026-13-01' cannot be the start or end"),
        ("measures.0.effective_period", ["unknown", None], "is the specification for unkn"),
        ("measures.0.groups.0.populations.3", ..., "has no numerator"),
        ("measures.0.groups.0.populations", [], "has no (numer|denomin)ator"),
    ],
)
def test_damaged_results_are_told(tmp_path: Path, results: Path, form: str, at: str, value: Any, reason: str) -> None:
    folder, file = damaged(tmp_path, results, "counts.json", at, value), tmp_path / "file"
    made = (*MIPS, "--ehr-certification", "0015ABCDEFGHIJK", "--output", file)
    result = ecqm("submission", folder, "--format", form, *made)
    assert result.exit_code == 2 and "internal" not in result.stderr and not file.exists()
    assert re.search(reason, result.stderr), result.stderr


def test_xml_cannot_hold_every_character(tmp_path: Path, results: Path) -> None:
    folder = damaged(tmp_path, results, "counts.json", "measures.0.title", "\0")
    result = ecqm("submission", folder, "--format", "qrda3", "--output", tmp_path / "file")
    assert result.exit_code == 2 and "XML cannot hold what is to be written" in result.stderr


def test_a_period_of_years_is_one_of_days(tmp_path: Path, results: Path) -> None:
    (measure,) = read_results(damaged(tmp_path, results, "counts.json", "measures.0.period", ["2026", "2026"])).measures
    assert measure.days == ("2026-01-01", "2026-12-31")
