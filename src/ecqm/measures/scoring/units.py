"""What a group counts: patients, or episodes by their identity.

All populations of a group become boolean arrays over the same units, so that set membership is array logic. Episodes
are matched by identity and never by number: a patient with two episodes in the denominator and two in the numerator has
two numerator members only if they are the same two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ecqm.kernels.arrays import Mask, Rows
from ecqm.measures.scoring.criteria import Criterion, Episodes, Labels, Observed
from ecqm.measures.scoring.observed_units import ObservedUnits

_T = TypeVar("_T", bound=np.generic)


@dataclass(frozen=True)
class Units:
    """The rows that a group counts, sorted by patient and episode key, each once.

    `patient` has shape (units,). `key` is None where the units are the patients themselves.
    """

    n_patients: int
    patient: Rows
    key: Rows | None = None

    @staticmethod
    def of_patients(n_patients: int) -> Units:
        return Units(n_patients, np.arange(n_patients, dtype=np.int64))

    @staticmethod
    def of_episodes(n_patients: int, *lists: Episodes) -> Units:
        """The distinct episodes in any of the lists."""
        patient = np.concatenate([listed.patient for listed in lists] or [np.empty(0, np.int64)])
        key = np.concatenate([listed.key for listed in lists] or [np.empty(0, np.int64)])
        if not _ascending(patient, key):
            order = np.lexsort((key, patient))
            patient, key = patient[order], key[order]
            first = np.ones(len(patient), dtype=np.bool_)
            first[1:] = (patient[1:] != patient[:-1]) | (key[1:] != key[:-1])
            patient, key = patient[first], key[first]
        return Units(n_patients, patient.astype(np.int64), key.astype(np.int64))

    def __len__(self) -> int:
        return len(self.patient)

    def rows_of(self, patient: int) -> slice:
        """The rows of one patient's units."""
        first, after = np.searchsorted(self.patient, [patient, patient + 1])
        return slice(int(first), int(after))

    def only(self, rows: slice) -> Units:
        """Some of the units, still of the same patients."""
        return Units(self.n_patients, self.patient[rows], None if self.key is None else self.key[rows])

    def members(self, criterion: Criterion) -> Mask:
        """The units that a criterion selects, shape (units,).

        A criterion on patients selects all the episodes of a patient for whom it holds; a list of episodes selects a
        patient who has any.
        """
        if not isinstance(criterion, Episodes):
            return criterion if self.key is None else criterion[self.patient]
        selected = np.zeros(len(self), dtype=np.bool_)
        if self.key is None:
            selected[criterion.patient] = True
        else:
            at = self._find(criterion)
            selected[at[at >= 0]] = True
        return selected

    def labels(self, labels: Labels) -> NDArray[np.int32]:
        """The label code of every unit, -1 where there is none, shape (units,).

        A label on a patient holds for all the patient's episodes. Labels on episodes cannot tell one of a patient:
        the label of the first episode that has one is taken. For patients with several see `with_label`.
        """
        if labels.episodes is None:
            return labels.code if self.key is None else labels.code[self.patient]
        codes = np.full(len(self), -1, dtype=np.int32)
        at = labels.episodes.patient if self.key is None else self._find(labels.episodes)
        present = (at >= 0) & (labels.code >= 0)
        # Assigning from the last to the first leaves the first.
        codes[at[present][::-1]] = labels.code[present][::-1]
        return codes

    def with_label(self, labels: Labels, code: int) -> Mask:
        """The units of the patients who have a label among several, shape (units,)."""
        assert labels.patient is not None
        having = np.zeros(self.n_patients, dtype=np.bool_)
        having[labels.patient[labels.code == code]] = True
        return self.members(having)

    def values(self, observed: Observed) -> NDArray[np.float64]:
        """The observed value of every unit, NaN where there is none, shape (units,)."""
        return self._placed(observed.value, observed.episodes, np.nan)

    def observed_units(self, observed: Observed) -> ObservedUnits | None:
        """The units of measure of `values`; None if these have none."""
        units = observed.units
        return units and ObservedUnits(self._placed(units.code, observed.episodes, 0), units.names)

    def per_patient(self, selected: Mask) -> Rows:
        """How many selected units each patient has, shape (patients,)."""
        if self.key is None:
            return selected.astype(np.int64)
        return np.bincount(self.patient[selected], minlength=self.n_patients).astype(np.int64)

    def episodes(self, selected: Mask) -> Episodes:
        """The selected units as a list; the key of a patient is the patient's row."""
        key = self.patient if self.key is None else self.key
        return Episodes(self.patient[selected], key[selected])

    def _placed(self, values: NDArray[_T], episodes: Episodes | None, empty: float) -> NDArray[_T]:
        """Values of patients, or of episodes, by unit; `empty` where there is none."""
        if episodes is None:
            return values if self.key is None else values[self.patient]
        placed = np.full(len(self), empty, values.dtype)
        at = episodes.patient if self.key is None else self._find(episodes)
        placed[at[at >= 0]] = values[at >= 0]
        return placed

    def _find(self, episodes: Episodes) -> Rows:
        """The position of each episode among the units, -1 where it is none of them."""
        assert self.key is not None
        if len(self) == 0 or len(episodes.key) == 0:
            return np.full(len(episodes.key), -1, dtype=np.int64)
        if np.array_equal(self.key, episodes.key) and np.array_equal(self.patient, episodes.patient):
            return np.arange(len(self), dtype=np.int64)
        keys = np.sort(self.key)
        rank = np.searchsorted(keys, episodes.key)
        known = keys[np.minimum(rank, len(keys) - 1)] == episodes.key
        # Ranks are below len(keys), so a patient and a rank pack into one integer without loss.
        span = np.int64(len(keys) + 1)
        packed = self.patient * span + np.searchsorted(keys, self.key)
        wanted = episodes.patient * span + rank
        at = np.minimum(np.searchsorted(packed, wanted), len(packed) - 1)
        return np.where(known & (packed[at] == wanted), at, -1)


def _ascending(patient: Rows, key: Rows) -> bool:
    """True if the rows are in strict order of patient and key already, as row numbers mostly are."""
    later = patient[1:] > patient[:-1]
    same = patient[1:] == patient[:-1]
    return bool(np.all(later | (same & (key[1:] > key[:-1]))))
