"""The input of scoring: the value of each define, as arrays over all patients of a batch.

A define is a boolean per patient, a list of episodes, or (for value stratifiers) a label per patient or episode. There
are no nulls: a criterion that is null selects nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ecqm.kernels.arrays import Mask, Rows
from ecqm.measures.scoring.observed_units import ObservedUnits


@dataclass(frozen=True)
class Episodes:
    """A list of episodes over all patients, one row per list element.

    `patient`: row number of the patient, non-decreasing; `key`: identity of the episode, equal for two elements of
    one patient exactly if they are the same episode (the row number of the resource). Both have shape (rows,). The same
    episode may be listed twice; it is one.
    """

    patient: Rows
    key: Rows


@dataclass(frozen=True)
class Labels:
    """A value per patient (`episodes` None) or per episode: `names[code]`, null where `code` is -1.

    Patients have several values where each code has the row number of its `patient`.
    """

    code: NDArray[np.int32]
    names: tuple[str, ...]
    episodes: Episodes | None = None
    patient: Rows | None = None


@dataclass(frozen=True)
class Observed:
    """The value of an observation per patient (`episodes` None) or per episode; NaN where it is null. `units` are those
    of the values, None if they have none."""

    value: NDArray[np.float64]
    episodes: Episodes | None = None
    units: ObservedUnits | None = None


Criterion = Mask | Episodes
"""A criterion over patients, shape (patients,), True where it is true, or over episodes."""


@dataclass(frozen=True)
class Evaluated:
    """The results of the defines that a measure needs.

    `defines` by name of the define; `observations` by (group id, observation id), because the same function may
    observe different populations; `strata`, of the stratifiers that are functions, by (group id, name). `failed` marks
    patients whose evaluation raised an error: they belong to no population and are reported as failed.
    """

    n_patients: int
    defines: Mapping[str, Criterion | Labels]
    observations: Mapping[tuple[str, str], Observed] = field(default_factory=dict)
    failed: Mask | None = None
    strata: Mapping[tuple[str, str], Criterion | Labels] = field(default_factory=dict)

    def criterion(self, name: str) -> Criterion:
        value = self.defines[name]
        if isinstance(value, Labels):
            raise TypeError(f"define {name!r} has values where a population criterion was expected")
        return value
