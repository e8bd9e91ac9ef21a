"""What nobody foresaw is still told in a line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from ecqm.cli.failures import resumable
from ecqm.cli.main import main
from tests.bundles.packages.stays import TWO_STAYS, deck
from tests.cli.samples import CASES, SAMPLE, STAY, ecqm


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("one by nothing")

    monkeypatch.setattr("ecqm.cli.expressions.ExpressionOptions.expressions", fail)


def test_an_error_that_no_command_expects(broken: None) -> None:
    result = CliRunner().invoke(main, ["eval", "1"])
    assert result.exit_code == 2
    assert "internal error: ZeroDivisionError: one by nothing" in result.stderr
    assert "Traceback" not in result.output


def test_the_traceback_is_there_when_asked_for(broken: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECQM_TRACEBACK", "1")
    assert isinstance(CliRunner().invoke(main, ["eval", "1"]).exception, ZeroDivisionError)


def test_interrupts(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ecqm.cli.expressions.ExpressionOptions.expressions", interrupt)
    result = CliRunner().invoke(main, ["eval", "1"])
    assert (result.exit_code, result.stderr) == (130, "ecqm: interrupted\n")
    with pytest.raises(KeyboardInterrupt, match="the same command goes on from there"), resumable("the store"):
        interrupt()


def test_what_is_given_for_something_else(tmp_path: Path) -> None:
    store = tmp_path / "store"
    assert ecqm("load", CASES, "--output", store).exit_code == 0
    packages = deck(tmp_path / "decks" / "deck", TWO_STAYS)
    for arguments, told in (
        (("run", store, "--data", store, "--output", tmp_path / "out"), "it is a cohort store"),
        (("test", CASES), f"{CASES} has no measures"),
        (("test", packages.parent), f"name one of its folders with QDM packages ({packages})"),
        (("test", packages / "measures"), "has no patients beside its packages; name them with --tests"),
        (("load", store, "--output", tmp_path / "other"), "is a cohort store already"),
        (("bundle", "add", CASES, "--store", tmp_path / "specifications"), "has no measures"),
    ):
        result = ecqm(*arguments)
        assert result.exit_code == 2 and told in result.stderr and len(result.stderr.splitlines()) == 1, result.output


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "Encounter.ndjson").write_text('{"resourceType": "Encounter"}\n' * 30, "utf-8")
    (data / "Patient.ndjson").write_bytes(b"\xff\xfe{\0")
    (data / "cases.json").write_bytes(b"PK\x03\x04")
    run = ecqm("run", SAMPLE, "--data", data, "--output", tmp_path / "out")
    for told in (
        "Patient.ndjson: cannot be read (any further): it is UTF-16",
        "cases.json: cannot be read: it is a zip",
    ):
        assert f"ecqm: {data}/{told}" in run.stderr
    load = ecqm("load", data, "--output", tmp_path / "store").output.splitlines()
    first = next(place for place, line in enumerate(load) if line.endswith(" problems"))
    assert {line.rpartition("/")[2].partition(":")[0] for line in load[first + 1 : first + 3]} == {
        "Patient.ndjson",
        "cases.json",
    }


def test_wrong_usage_and_help_are_click_s_own() -> None:
    assert CliRunner().invoke(main, ["eval"]).exit_code == 2
    assert CliRunner().invoke(main, ["nothing"]).exit_code == 2
    assert CliRunner().invoke(main, ["eval", "--help"]).exit_code == 0
    assert "usage:" in CliRunner().invoke(main, ["run"]).output.lower()


def test_names_of_files_that_are_not_utf_8(tmp_path: Path) -> None:
    named = tmp_path / os.fsdecode(b"caf\xe9")
    try:
        shutil.copytree(SAMPLE, named)
    except OSError:
        pytest.skip("the file system has no such names")
    cases = named / "input" / "tests" / "measure"
    assert ecqm("run", named, "--data", cases, "--output", tmp_path / "out").exit_code == 0
    assert json.loads((tmp_path / "out" / "run.json").read_text("utf-8"))["content"].startswith(str(tmp_path))
    assert ecqm("test", named).exit_code == 0
    assert ecqm("bundle", "add", named, "--store", tmp_path / "store").exit_code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", SAMPLE, "--data", CASES, "--output"),
        ("load", CASES, "--output"),
        ("test", SAMPLE, "--output"),
        ("test", SAMPLE, "--html"),
        ("explain", SAMPLE, "--measure", STAY, "--data", CASES, "--patient", "stay-across", "--output"),
        ("compile", SAMPLE / "input" / "cql", "--output"),
        ("bundle", "add", SAMPLE, "--store"),
    ],
    ids=lambda arguments: " ".join(map(str, (arguments[0], arguments[-1]))),
)
def test_results_that_cannot_be_written_there(tmp_path: Path, arguments: tuple[object, ...]) -> None:
    (tmp_path / "file").write_text("here is no folder")
    result = ecqm(*arguments, tmp_path / "file" / "below")
    assert result.exit_code == 2
    assert result.stderr.startswith("ecqm: ") and "Not a directory" in result.stderr


def test_output_folders_with_names_that_are_not_utf_8(tmp_path: Path) -> None:
    result = ecqm("run", SAMPLE, "--data", CASES, "--output", os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    assert result.exit_code == 2 and "is not UTF-8" in result.stderr


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_closed_streams(stream: str) -> None:
    """As the shell's `>&-` leaves them."""
    closing = f"import os; os.close({1 if stream == 'stdout' else 2}); os.execv(sys.executable, sys.argv[1:])"
    command = [sys.executable, "-m", "ecqm.cli.main", "test", str(SAMPLE)]
    closed = [sys.executable, "-c", f"import sys; {closing}", *command]
    result = subprocess.run(closed, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


def test_terminals_without_the_characters() -> None:
    environment = os.environ | {"PYTHONIOENCODING": "latin-1"}
    command = [sys.executable, "-m", "ecqm.cli.main", "eval", "'\N{GREEK SMALL LETTER ALPHA}'"]
    result = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert (result.returncode, result.stdout) == (0, "'\\u03b1'\n")


@pytest.mark.parametrize("amount", ["nan", "inf", "0", "-1", "x"])
def test_no_amounts_of_memory(tmp_path: Path, amount: str) -> None:
    result = ecqm("run", SAMPLE, "--data", CASES, "--output", tmp_path / "out", "--memory", amount)
    assert result.exit_code == 2 and "--memory" in result.stderr


def test_no_years(tmp_path: Path) -> None:
    result = ecqm("bundle", "add", SAMPLE, "--store", tmp_path, "--year", "-1")
    assert result.exit_code == 2 and "--year" in result.stderr
