"""Python processes that this one starts."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence


def start_python(code: str, descriptors: Sequence[int]) -> subprocess.Popen[bytes]:
    """A Python process that runs some code with the modules of this one, and has some of its open files.

    It is neither forked, which may hang while Arrow's threads run, nor started by `multiprocessing`, which would run
    the user's script a second time.
    """
    path = os.pathsep.join(folder or os.getcwd() for folder in sys.path)
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.Popen([sys.executable, "-c", code], pass_fds=descriptors, env=environment)
