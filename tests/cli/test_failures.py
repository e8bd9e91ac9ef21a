"""What nobody foresaw is still told in a line."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from ecqm.cli.main import main


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("one by nothing")

    monkeypatch.setattr("ecqm.cli.surroundings.surroundings", fail)


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
