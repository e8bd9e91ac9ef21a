"""Runners and tools run as their users run them: as programs, in a process of their own."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "measure_bundles" / "sample"


def run(script: str, *arguments: object, code: int = 0) -> str:
    """What a script, named by its path in the project, prints; it has to end with this code.

    Where that is 0 it may write nothing else: no warning, no trace.
    """
    command = [sys.executable, str(ROOT / script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    told = done.stdout + done.stderr
    assert done.returncode == code, told
    assert "Traceback" not in told, told
    assert code or not done.stderr, told
    return told


def imported(script: str) -> ModuleType:
    """A script as a module; those beside it are found as they are when it runs."""
    path = ROOT / script
    with patch.object(sys, "path", [str(path.parent), *sys.path]):
        return importlib.import_module(path.stem)
