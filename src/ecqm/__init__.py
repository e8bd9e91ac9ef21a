"""ecqm runs electronic clinical quality measures over whole patient populations, directly from the published logic.

    import ecqm

    measures = ecqm.select("content", ["CMS122"])     # all measures, if none is named
    patients = ecqm.load("bulk-export")               # or a cohort store, bundles, a folder of resources
    result = ecqm.evaluate(measures, patients, "2026")
    print(result)

See also `help(ecqm.evaluate)`, `help(ecqm.Result)` and `help(ecqm.explain)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ecqm.api import (
        ContentError,
        DataError,
        Explained,
        MeasureError,
        MeasureNotFound,
        MissingValueSets,
        PackageSelection,
        PatientData,
        Result,
        Selection,
        evaluate,
        explain,
        load,
        select,
    )

__version__ = "0.1.0"

__all__ = [
    "ContentError",
    "DataError",
    "Explained",
    "MeasureError",
    "MeasureNotFound",
    "MissingValueSets",
    "PackageSelection",
    "PatientData",
    "Result",
    "Selection",
    "__version__",
    "evaluate",
    "explain",
    "load",
    "select",
]


def __getattr__(name: str) -> Any:
    # Imported on first use, because help and version on the command line do not need them.
    if name in __all__:
        from ecqm import api

        return getattr(api, name)
    raise AttributeError(f"module 'ecqm' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
