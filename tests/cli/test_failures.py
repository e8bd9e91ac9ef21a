"""What nobody foresaw is still told in a line."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from ecqm.cli.main import main
from tests.cli.samples import CASES, SAMPLE, STAY, ecqm


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("one by nothing")

    monkeypatch.setattr("ecqm.cli.expression_options.expressions_with", fail)


def test_an_error_that_no_command_expects(broken: None) -> None:
    result = CliRunner().invoke(main, ["eval", "1"])
    assert result.exit_code == 2
    assert "internal error: ZeroDivisionError: one by nothing" in result.stderr
    assert "Traceback" not in result.output


def test_the_traceback_is_there_when_asked_for(broken: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECQM_TRACEBACK", "1")
    assert isinstance(CliRunner().invoke(main, ["eval", "1"]).exception, ZeroDivisionError)


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
