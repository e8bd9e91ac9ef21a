"""The command as a process."""

from __future__ import annotations

import subprocess
import sys

import pytest

_INTERRUPTED = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
importing = sys.argv[1]
class Interrupting:
    def find_spec(self, name, path, target=None):
        if name == importing:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupting())
from ecqm.__main__ import main
sys.argv = ["ecqm", "eval", "1 + 1"]
main()
"""


@pytest.mark.parametrize("importing", ["ecqm.own_processes", "ecqm.cli.main", "ecqm.cli.eval"])
def test_ctrl_c_while_it_starts(importing: str) -> None:
    arguments = [sys.executable, "-c", _INTERRUPTED, importing]
    told = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)
    assert (told.returncode, told.stdout, told.stderr) == (130, "", "ecqm: interrupted\n")
