"""What run.json says of the program, and of the time that the steps of a run took."""

from __future__ import annotations

import platform
from time import perf_counter

import numpy as np

from ecqm import __version__

ENGINE = {"name": "ecqm", "version": __version__, "python": platform.python_version(), "numpy": np.__version__}


class Clock:
    """Wall-clock seconds of the steps of a run."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._since = perf_counter()

    def took(self, step: str) -> None:
        """The step has ended, and the next one begins."""
        now = perf_counter()
        self.seconds[step] = round(now - self._since, 3)
        self._since = now
