"""Runners and tools run as their users run them: as programs, in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "measure_bundles" / "sample"


def run(script: str, *arguments: object, code: int = 0, **environment: str) -> str:
    """What a script, named by its path in the project, prints; it has to end with this code.

    Where that is 0 it may write nothing but that: no warning, no trace.
    """
    command = [sys.executable, str(ROOT / script), *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False, env=os.environ | environment
    )
    told = done.stdout + done.stderr
    assert done.returncode == code, told
    assert "Traceback" not in told, told
    assert code or not done.stderr, told
    return done.stdout if code == 0 else told
