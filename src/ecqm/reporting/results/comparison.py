"""Two runs compared: who is in other populations, or is observed otherwise, and which scores differ.

The runs may be of two versions of a measure, of data before and after a change, or of two versions of ecqm. Measures
are matched by name, otherwise by CMS id, and groups by id. Strata are not compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.dataset
from numpy.typing import NDArray

from ecqm.data import DataError
from ecqm.measures.definition.naming import cms_id
from ecqm.measures.results.table import POPULATION_COLUMNS
from ecqm.reporting.results.files import POPULATIONS_TABLE, SCORES

_POPULATIONS = tuple(POPULATION_COLUMNS.values())
_KEYS = ("measure", "group", "patient", "episode")
_BETWEEN = "\x1f"
_SHOWN_DIGITS = 4
_EXAMPLES = 3

CHANGES = pa.schema(
    [*((name, pa.string()) for name in (*_KEYS, "what")), ("before", pa.float64()), ("after", pa.float64())]
)
"""A row per patient or episode and population or observation (`what`) that differs: 1 for a member of a population and
0 for all others; the value of an observation, null for who is not observed."""

Place = tuple[str, str]
"""The name of a measure and the id of a group."""


@dataclass(frozen=True)
class Difference:
    """A population or observation that differs: how many are in it before and after, how many came and went, how many
    are observed with another value, and the first patients of these."""

    place: Place
    what: str
    before: int
    after: int
    gained: int
    lost: int
    changed: int
    examples: tuple[str, ...]
    more_patients: bool


@dataclass(frozen=True)
class RunRows:
    """The rows of a run: `table` as `ecqm.measures.results.table` has them, and the scores of groups."""

    table: pa.Table
    scores: Mapping[Place, float | None]

    @classmethod
    def read(cls, folder: Path) -> RunRows:
        """The rows of the output folder of a run. Raises DataError if it is none."""
        try:
            source = pyarrow.dataset.dataset(folder / POPULATIONS_TABLE)
            wanted = [name for name in source.schema.names if name != "strata" and not name.endswith("_unit")]
            listed = pyarrow.csv.read_csv(folder / SCORES)
        except (OSError, pa.ArrowInvalid) as error:
            raise DataError(f"{folder} has no results of ecqm run: {error}") from error
        rows = (row for row in listed.to_pylist() if row["stratum"] in (None, ""))
        scores = {(row["measure"], row["group"]): row["score"] for row in rows}
        return cls(source.to_table(columns=wanted), scores)

    def renamed(self, names: Mapping[str, str]) -> RunRows:
        """The same rows with other names of measures."""
        measures = self.table["measure"].combine_chunks().dictionary_encode()
        told = pa.array([names.get(name, name) for name in measures.dictionary.to_pylist()], pa.string())
        at = self.table.schema.get_field_index("measure")
        table = self.table.set_column(at, "measure", told.take(measures.indices))
        return RunRows(table, {(names.get(name, name), group): score for (name, group), score in self.scores.items()})

    @cached_property
    def places(self) -> dict[Place, pa.Table]:
        """The rows of each group. A group that nobody is in has none."""
        found = {place: self.table.slice(0, 0) for place in self.scores}
        both = pc.binary_join_element_wise(self.table["measure"], self.table["group"], _BETWEEN)
        encoded = both.combine_chunks().dictionary_encode()
        numbers = encoded.indices.to_numpy(zero_copy_only=False)
        for number, name in enumerate(encoded.dictionary.to_pylist()):
            measure, _, group = name.partition(_BETWEEN)
            found[measure, group] = self.table.filter(pa.array(numbers == number))
        return found

    @cached_property
    def patients(self) -> pa.Array:
        """The ids of the patients that have rows, each once."""
        return self.table["patient"].combine_chunks().unique()


@dataclass(frozen=True)
class Comparison:
    """What differs between two runs. `changes` has the schema CHANGES; `scores` are pairs of before and after."""

    differences: tuple[Difference, ...]
    scores: Mapping[Place, tuple[float | None, float | None]]
    changes: pa.Table
    only_before: tuple[Place, ...]
    only_after: tuple[Place, ...]
    patients: tuple[int, int, int]
    """The number of patients in both runs, and in only one of them."""

    @property
    def equal(self) -> bool:
        """Whether both runs have the same groups with the same results."""
        return not (self.differences or self.scores or self.only_before or self.only_after)


def compare(before: RunRows, after: RunRows) -> Comparison:
    """What differs between two runs."""
    before = before.renamed(_matched(before, after))
    ours, theirs = before.places, after.places
    shared = [place for place in ours if place in theirs]
    found, tables = [], [CHANGES.empty_table()]
    for place in shared:
        for difference, changes in _differences(place, ours[place], theirs[place]):
            found.append(difference)
            tables.append(changes)
    pairs = {place: (before.scores.get(place), after.scores.get(place)) for place in shared}
    in_both = int(pc.sum(pc.is_in(before.patients, after.patients)).as_py() or 0)
    return Comparison(
        tuple(found),
        {place: pair for place, pair in pairs.items() if _shown(pair[0]) != _shown(pair[1])},
        pa.concat_tables(tables),
        tuple(place for place in ours if place not in theirs),
        tuple(place for place in theirs if place not in ours),
        (in_both, len(before.patients) - in_both, len(after.patients) - in_both),
    )


def _shown(score: float | None) -> float | None:
    return None if score is None else round(score, _SHOWN_DIGITS)


def _matched(before: RunRows, after: RunRows) -> dict[str, str]:
    """The names in `after` of measures of `before` that have another name there, but the same CMS id."""
    ours, theirs = ({measure for measure, _ in run.scores} for run in (before, after))
    numbers = Counter(map(cms_id, theirs))
    by_number = {number: name for name in theirs if (number := cms_id(name)) and numbers[number] == 1}
    candidates = {name: by_number.get(cms_id(name) or "") for name in ours - theirs}
    return {name: other for name, other in candidates.items() if other is not None and other not in ours}


def _differences(place: Place, before: pa.Table, after: pa.Table) -> Iterator[tuple[Difference, pa.Table]]:
    """What differs in a group, with the rows of CHANGES."""
    own, other = _row_keys(before), _row_keys(after)
    # The rows of `after`, and then those of `before` that it lacks.
    at = pc.index_in(other, value_set=own)
    lacking = pc.invert(pc.is_in(own, value_set=other))
    keys = pa.concat_tables([after.select(_KEYS), before.filter(lacking).select(_KEYS)])
    observed = {name for name in (*before.column_names, *after.column_names) if name.startswith("observation_")}
    for what in (*_POPULATIONS, *sorted(observed)):
        was = np.concatenate([_numbers(before, what, at), _numbers(before.filter(lacking), what)])
        is_ = np.concatenate([_numbers(after, what), np.full(len(keys) - len(after), np.nan)])
        if what in _POPULATIONS:
            was, is_ = np.nan_to_num(was), np.nan_to_num(is_)
        differs = np.flatnonzero((was != is_) & ~(np.isnan(was) & np.isnan(is_)))
        if len(differs):
            changed = keys.take(pa.array(differs))
            columns = [np.full(len(differs), what), was[differs], is_[differs]]
            for field, values in zip(list(CHANGES)[len(_KEYS) :], columns, strict=True):
                changed = changed.append_column(field, pa.array(values, field.type, from_pandas=True))
            yield _difference(place, what, was, is_, changed), changed


def _difference(
    place: Place, what: str, was: NDArray[np.float64], is_: NDArray[np.float64], changed: pa.Table
) -> Difference:
    member_before, member_after = (_members(values, what) for values in (was, is_))
    moved = Counter({"gained": int((member_after & ~member_before).sum())})
    patients = changed["patient"].unique()
    moved["lost"] = int((member_before & ~member_after).sum())
    return Difference(
        place,
        what,
        int(member_before.sum()),
        int(member_after.sum()),
        moved["gained"],
        moved["lost"],
        len(changed) - moved.total(),
        tuple(patients[:_EXAMPLES].to_pylist()),
        len(patients) > _EXAMPLES,
    )


def _members(values: NDArray[np.float64], what: str) -> NDArray[np.bool_]:
    """Who is in a population, or is observed."""
    return values > 0 if what in _POPULATIONS else ~np.isnan(values)


def _row_keys(rows: pa.Table) -> pa.Array:
    episodes = pc.fill_null(rows["episode"], "")
    return pc.binary_join_element_wise(rows["patient"], episodes, _BETWEEN).combine_chunks()


def _numbers(rows: pa.Table, column: str, at: pa.Array | None = None) -> NDArray[np.float64]:
    """A column as numbers, NaN for null; with `at`, of the rows with these numbers."""
    n = len(rows) if at is None else len(at)
    if column not in rows.column_names or not len(rows):
        return np.full(n, np.nan)
    values = rows[column].cast(pa.float64()).combine_chunks()
    if at is not None:
        values = values.take(at)
    return np.asarray(values.to_numpy(zero_copy_only=False), np.float64)
