"""Counts of many units, added up by Spark.

Addition keeps the order of the units, so that errors, messages and observed values come out as in one process. It is
done in two steps: tasks add up the counts of neighbouring units, then one task adds up these sums. The driver gets one
row, however many units there are. Each unit counts once, also if Spark repeats tasks: these only read what is finished.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ecqm.cluster.spark.hadoop import HadoopPath
from ecqm.cluster.spark.session import spark_errors
from ecqm.measures.definition import Measure
from ecqm.reporting.results.parts import Part

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

NUMBER, COUNTS = "number", "counts"
_SCHEMA = f"{NUMBER} long, {COUNTS} binary"
# Neighbouring units that a task adds up at a time. Runs have at most 4,096.
_NEIGHBOURS = 64


def merged_counts(counts: DataFrame, measures: Mapping[str, Measure]) -> Part:
    """The sum of the counts (JSON of a `Part`) in rows of NUMBER and COUNTS, in the order of the numbers.

    `measures` by canonical. Raises DataError if the rows cannot be computed.
    """
    neighbours = _sums(counts, f"{NUMBER} div {_NEIGHBOURS}", measures)
    with spark_errors():
        rows = _sums(neighbours, "0L", measures).collect()
    total = Part()
    for row in rows:
        total.add(Part.from_json(bytes(row[COUNTS]), measures))
    return total


def counts_in(folder: HadoopPath) -> DataFrame:
    """Rows of NUMBER and COUNTS from the files `NNNNN.json` in a folder."""
    from pyspark.sql import SparkSession

    with spark_errors():
        files = SparkSession.builder.getOrCreate().read.format("binaryFile").option("pathGlobFilter", "*.json")
        number = "cast(regexp_extract(path, '([0-9]+)[.]json$', 1) as long)"
        return files.load(str(folder)).selectExpr(f"{number} as {NUMBER}", f"content as {COUNTS}")


def _sums(counts: DataFrame, group: str, measures: Mapping[str, Measure]) -> DataFrame:
    """The sum of the counts in each group, with the number of the group."""
    from pyspark.sql.functions import expr

    members = expr(f"array_sort(collect_list(struct({NUMBER}, {COUNTS})))")
    groups = counts.selectExpr(f"{group} as sum", NUMBER, COUNTS).groupBy("sum").agg(members)
    return groups.mapInArrow(partial(_add_groups, measures), _SCHEMA)


def _add_groups(measures: Mapping[str, Measure], batches: Iterable[Any]) -> Iterator[Any]:
    """The function of a task: add up the counts in each row, which has the number of a group and a list of structs."""
    for batch in batches:
        for number, members in zip(*batch.columns, strict=True):
            total = Part()
            for member in members:
                total.add(Part.from_json(member[COUNTS].as_py(), measures))
            columns = [pa.array([number.as_py()], pa.int64()), pa.array([total.to_json()], pa.binary())]
            yield pa.RecordBatch.from_arrays(columns, [NUMBER, COUNTS])
