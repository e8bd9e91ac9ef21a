"""What is counted of one patient: the patient, or each episode, with populations, observations and strata."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecqm.columns import ResourceRow
from ecqm.engine.interfaces import Cohort
from ecqm.measures.definition import Measure
from ecqm.measures.results.table import POPULATION_COLUMNS, EpisodeNames, observation_columns, population_table
from ecqm.measures.scoring.groups import GroupResult
from ecqm.reporting.notation import resource_name


@dataclass(frozen=True)
class Counted:
    """A patient or an episode (`episode`: `Encounter/17`) in a group: the codes of the populations that it is in, its
    observations (`20 min`) by id, and its strata (`<stratifier id>=<value>`)."""

    group: str
    episode: str | None
    populations: tuple[str, ...]
    observations: tuple[tuple[str, str], ...]
    strata: tuple[str, ...]

    @property
    def adds_to_counts(self) -> bool:
        """Whether this says more than the counts of the populations."""
        return self.episode is not None or bool(self.observations or self.strata)

    def __str__(self) -> str:
        observed = (f"{id_} = {value}" for id_, value in self.observations)
        told = f"{self.episode or 'patient'}: {', '.join(self.populations) or 'in no population'}"
        return "; ".join((told, *observed, *(f"stratum {stratum}" for stratum in self.strata)))


def counted(measure: Measure, groups: Sequence[GroupResult], cohort: Cohort) -> Iterator[Counted]:
    """The rows that a table of results has for a patient, whose results `groups` are."""
    observations = {each.group.id: tuple(each.observations) for each in groups}
    # The column of patients is not used.
    for row in population_table(measure, groups, [""] * cohort.n, _episode_names(cohort)).to_pylist():
        observed = []
        for number, id_ in enumerate(observations[row["group"]], 1):
            (value, _), (unit, _) = observation_columns(number)
            if row[value] is not None:
                observed.append((id_, f"{row[value]:g} {row[unit] or ''}".rstrip()))
        populations = tuple(code.value for code, column in POPULATION_COLUMNS.items() if row[column])
        yield Counted(row["group"], row["episode"], populations, tuple(observed), tuple(row["strata"]))


def _episode_names(cohort: Cohort) -> EpisodeNames:
    """Resources by type and id; other episodes by their keys."""

    def names(basis: str, keys: NDArray[np.int64]) -> Sequence[str]:
        try:
            table = cohort.table(basis)
        except LookupError:
            return [str(key) for key in keys.tolist()]
        return [resource_name(ResourceRow(table, key)) if key < len(table) else str(key) for key in keys.tolist()]

    return names
