"""Results as a table: one row per patient or episode and group.

Columns: `measure`, `group`, `patient`, `episode` (null in patient-based groups), a boolean for each population code, a
number and a unit for each observation of the group in order (`observation_1`, `observation_1_unit`, `observation_2` …;
null where there is none), and `strata`, the strata that the row is in (`<stratifier id>=<value>`). Rows are those in an
initial population; a patient-based group has a row for every patient. So has a composite: patients with a score are in
its measure population, and the score is `observation_1`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet

from ecqm.kernels.arrays import Mask, Rows
from ecqm.measures.definition import Measure, PopulationCode
from ecqm.measures.scoring.composite import CompositeResult
from ecqm.measures.scoring.groups import GroupResult
from ecqm.measures.scoring.populations import union

EpisodeNames = Callable[[str, Rows], Sequence[str]]
"""Names of episodes, from the basis of a group and the keys of the episodes."""

# Column names of the populations that have members.
POPULATION_COLUMNS = {
    code: code.value.replace("-", "_") for code in PopulationCode if code is not PopulationCode.MEASURE_OBSERVATION
}


def population_table(
    measure: Measure,
    results: Sequence[GroupResult],
    patient_ids: Sequence[str],
    episode_names: EpisodeNames | None = None,
    failed: Mask | None = None,
) -> pa.Table:
    """A table over all groups of a measure.

    `episode_names` names episodes; without it, they are named by their keys. Rows of `failed` patients are left out.
    """
    observations = max((len(result.observations) for result in results), default=0)
    ids = pa.array([str(patient_id) for patient_id in patient_ids], pa.string())
    tables = [_rows(measure, result, ids, observations, episode_names, failed) for result in results]
    return pa.concat_tables(tables) if tables else pa.table({})


def composite_table(
    measure: Measure, composites: Sequence[CompositeResult], patient_ids: Sequence[str], failed: Mask
) -> pa.Table:
    """A table with the scores of patients by a measure's composites, without those of `failed`."""
    rows = np.flatnonzero(~failed)
    ids = pa.array([str(patient_id) for patient_id in patient_ids], pa.string()).take(pa.array(rows))
    tables = []
    for result in composites:
        scores = result.patient_scores[rows]
        nobody, scored = np.zeros(len(rows), np.bool_), ~np.isnan(scores)
        columns: dict[str, Any] = {
            "measure": pa.array([measure.name] * len(rows), pa.string()),
            "group": pa.array([result.composite.id] * len(rows), pa.string()),
            "patient": ids,
            "episode": pa.nulls(len(rows), pa.string()),
        }
        for code, column in POPULATION_COLUMNS.items():
            columns[column] = scored if code is PopulationCode.MEASURE_POPULATION else nobody
        columns["observation_1"] = pa.array(scores, from_pandas=True)
        columns["observation_1_unit"] = pa.nulls(len(rows), pa.string())
        columns["strata"] = pa.array([[]] * len(rows), pa.list_(pa.string()))
        tables.append(pa.table(columns))
    return pa.concat_tables(tables)


def table_schema(observations: int) -> pa.Schema:
    """The schema of tables with this number of observation columns."""
    return pa.schema(
        [
            *((name, pa.string()) for name in ("measure", "group", "patient", "episode")),
            *((name, pa.bool_()) for name in POPULATION_COLUMNS.values()),
            *(column for number in range(1, observations + 1) for column in observation_columns(number)),
            ("strata", pa.list_(pa.string())),
        ]
    )


def observation_columns(number: int) -> tuple[tuple[str, pa.DataType], tuple[str, pa.DataType]]:
    """The names and types of the columns for an observation, by its number from 1: its values and their units."""
    return (f"observation_{number}", pa.float64()), (f"observation_{number}_unit", pa.string())


def write_csv(paths: Iterable[Path], target: Path) -> None:
    """Write the tables of some Parquet files, which have one schema, as one CSV file; strata are separated by `;`."""
    writer: pyarrow.csv.CSVWriter | None = None
    with ExitStack() as stack:
        for path in paths:
            with pyarrow.parquet.ParquetFile(path) as file:
                place = file.schema_arrow.get_field_index("strata")
                if writer is None:
                    schema = file.schema_arrow.set(place, pa.field("strata", pa.string()))
                    writer = stack.enter_context(pyarrow.csv.CSVWriter(target, schema))
                for batch in file.iter_batches():
                    strata = pyarrow.compute.binary_join(batch.column("strata"), ";")
                    writer.write_batch(batch.set_column(place, "strata", strata))


def _rows(
    measure: Measure,
    result: GroupResult,
    ids: pa.Array,
    observations: int,
    episode_names: EpisodeNames | None,
    failed: Mask | None,
) -> pa.Table:
    units = result.units
    members = dict(result.members)
    kept = np.ones(len(units), dtype=np.bool_)
    if units.key is not None:
        kept = union(result.group, members, PopulationCode.INITIAL_POPULATION, len(units))
    if failed is not None:
        kept = kept & ~failed[units.patient]
    rows = np.flatnonzero(kept)
    columns: dict[str, Any] = {
        "measure": pa.array(np.full(len(rows), measure.name, dtype=object), pa.string()),
        "group": pa.array(np.full(len(rows), result.group.id, dtype=object), pa.string()),
        "patient": ids.take(pa.array(units.patient[rows])),
        "episode": _episodes(result, rows, episode_names),
    }
    for code, column in POPULATION_COLUMNS.items():
        columns[column] = union(result.group, members, code, len(units))[rows]
    for number, name in enumerate(result.observations, 1):
        (value, _), (unit, _) = observation_columns(number)
        columns[value] = pa.array(result.observations[name][rows], from_pandas=True)
        columns[unit] = _units(result, name, rows)
    for number in range(len(result.observations) + 1, observations + 1):
        columns |= {name: pa.nulls(len(rows), type_) for name, type_ in observation_columns(number)}
    columns["strata"] = _strata(result, rows)
    return pa.table(columns)


def _units(result: GroupResult, name: str, rows: Rows) -> pa.Array:
    """The units of some observed values; null where there is no value, or if it has no unit."""
    found = result.observed_units.get(name)
    if found is None:
        return pa.nulls(len(rows), pa.string())
    codes = pa.array(found.code[rows], mask=np.isnan(result.observations[name][rows]))
    return pa.array(found.texts, pa.string()).take(codes)


def _episodes(
    result: GroupResult,
    rows: Rows,
    episode_names: EpisodeNames | None,
) -> pa.Array:
    if result.units.key is None:
        return pa.nulls(len(rows), pa.string())
    keys = result.units.key[rows]
    if episode_names is None:
        return pa.array(keys).cast(pa.string())
    return pa.array(list(episode_names(result.group.basis, keys)), pa.string())


def _strata(result: GroupResult, rows: Rows) -> pa.Array:
    """The names of the strata of every row; the stratum "false" of a criterion is left out."""
    named = [
        (f"{stratifier.stratifier.id}={stratum.value}", stratum.selected[rows])
        for stratifier in result.stratifiers
        for stratum in stratifier.strata
        if not (stratifier.criteria_based and stratum.value == "false")
    ]
    if not named:
        return pa.array([[]] * len(rows), pa.list_(pa.string()))
    # Row by row: the true cells of the (rows, strata) matrix in row order are the list values.
    selected = np.stack([mask for _, mask in named], axis=1)
    offsets = np.concatenate(([0], np.cumsum(selected.sum(axis=1)))).astype(np.int32)
    which = np.nonzero(selected)[1]
    names = pa.array([name for name, _ in named], pa.string())
    return pa.ListArray.from_arrays(pa.array(offsets), names.take(pa.array(which)))
