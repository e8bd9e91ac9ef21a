"""ecqm executes electronic clinical quality measures over whole patient cohorts, straight from the published logic.

See `ecqm.api` for what `ecqm.select`, `ecqm.load` and `ecqm.evaluate` do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ecqm.api import MissingValueSets as MissingValueSets
    from ecqm.api import PatientData as PatientData
    from ecqm.api import Result as Result
    from ecqm.api import Selection as Selection
    from ecqm.api import evaluate as evaluate
    from ecqm.api import load as load
    from ecqm.api import select as select

__version__ = "0.1.0"

# The command line needs help and version at once, and not what it takes to evaluate.
_OF_THE_API = ("MissingValueSets", "PatientData", "Result", "Selection", "evaluate", "load", "select")


def __getattr__(name: str) -> Any:
    if name in _OF_THE_API:
        from ecqm import api

        return getattr(api, name)
    raise AttributeError(f"module 'ecqm' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted((*_OF_THE_API, "__version__"))
