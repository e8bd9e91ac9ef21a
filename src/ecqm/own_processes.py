"""Processes of ecqm's own: commands, and the Python processes that they start."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType


class _NoPandas(MetaPathFinder):
    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("processes of ecqm's own do without pandas", name=name)


def keep_out_pandas() -> None:
    """Make this process go on as if pandas were not installed.

    Where it is, pyarrow imports it as soon as it makes an array of Python values. That takes longer than all other
    imports together, and a process that makes no data frames does not need it.
    """
    sys.meta_path.insert(0, _NoPandas())


def let_in_pandas() -> None:
    """Undo `keep_out_pandas`, in a process that turns out to need pandas: PySpark demands it for tasks in Python."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _NoPandas)]


def start_python(code: str, descriptors: Sequence[int]) -> subprocess.Popen[bytes]:
    """A Python process that runs some code with the modules of this one, and has some of its open files.

    It is neither forked, which may hang while Arrow's threads run, nor started by `multiprocessing`, which would run
    the user's script a second time.
    """
    path = os.pathsep.join(folder or os.getcwd() for folder in sys.path)
    environment = {**os.environ, "PYTHONPATH": path}
    code = f"from {__name__} import keep_out_pandas; keep_out_pandas(); {code}"
    return subprocess.Popen([sys.executable, "-c", code], pass_fds=descriptors, env=environment)
