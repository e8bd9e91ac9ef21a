"""`ecqm serve`: what it starts with, and what it says when it cannot start."""

from __future__ import annotations

import builtins
import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.cli.samples import SAMPLE, ecqm


def test_without_its_packages_it_says_how_to_install_them(monkeypatch: pytest.MonkeyPatch) -> None:
    imported = builtins.__import__

    def without_uvicorn(name: str, *rest: Any) -> Any:
        if name == "uvicorn":
            raise ModuleNotFoundError("No module named 'uvicorn'", name="uvicorn")
        return imported(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_uvicorn)
    result = ecqm("serve", SAMPLE)
    assert result.exit_code == 2
    assert "pip install 'ecqm[server]'" in result.stderr


def test_content_without_measures_is_refused(tmp_path: Path) -> None:
    result = ecqm("serve", tmp_path)
    assert result.exit_code == 2
    assert "neither JSON nor CQL" in result.stderr


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_it_answers_until_it_is_ended(end: signal.Signals, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ecqm", "serve", str(SAMPLE), "--port", "0", "--jobs", "1"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    try:
        assert server.stderr is not None
        told = ""
        while (found := re.search(r"http://127\.0\.0\.1:\d+", told)) is None:
            line = server.stderr.readline()
            assert line, told
            told += line
        with urllib.request.urlopen(f"{found[0]}/Measure", timeout=30) as response:
            assert json.load(response)["total"] == 2
    finally:
        server.send_signal(end)
    rest = server.communicate(timeout=30)[1]
    assert "Traceback" not in rest
    # Requests may name patients: they are not logged.
    assert "/Measure" not in rest
    assert not list(tmp_path.iterdir())
