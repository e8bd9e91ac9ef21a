"""A run over units: in this process if they are few and small, otherwise in several processes or on Spark."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from ecqm.bundles.content.documents import ContentError
from ecqm.bundles.evaluation.batches import Evaluation
from ecqm.cluster.processes import run_in_processes
from ecqm.cluster.units import FileUnit, StoredUnit, Unit
from ecqm.cluster.worker import Shipment, Worker
from ecqm.data import DataError
from ecqm.reporting.results.run import RunOutput
from ecqm.terminology import CodeIndex

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Starting processes and sending them the plans takes seconds; smaller stores are evaluated faster without them.
_FEW_RESOURCES = 250_000

Advance = Callable[[int, str], None]


def run_units(
    evaluation: Evaluation,
    output: RunOutput,
    units: Sequence[Unit],
    jobs: int,
    share: int,
    advance: Advance = lambda done, of: None,
    spark: SparkSession | None = None,
    codes: CodeIndex | None = None,
) -> dict[int, str]:
    """Evaluate the units that the output does not have yet, and write each to the part with its number.

    The units are evaluated on Spark if there is a session `spark`; in this process, with its index of `codes`, if
    they are few and small; otherwise in at most `jobs` processes that use about `share` bytes each. `advance` is called
    with a number of completed measures and a label. Returns, by number, why units could not be evaluated. Raises
    MeasureError for an invalid measurement period, before any patient is read, and OSError if results cannot be
    written.
    """
    evaluation.check()
    done = output.done
    advance(sum(number in done for number in range(len(units))) * len(evaluation.plans), "")
    todo = {number: unit for number, unit in enumerate(units) if number not in done}
    shipment = Shipment(evaluation, output.recorder)

    def unit_done(number: int) -> None:
        advance(len(evaluation.plans), f"{number + 1} of {len(units)}")

    if spark is not None:
        from ecqm.cluster.spark import run_on_spark

        return run_on_spark(spark, shipment, todo, output, unit_done)
    if is_small(units):
        return _run_here(Worker(shipment, CodeIndex() if codes is None else codes), todo, output, advance)
    return run_in_processes(shipment, todo, output.path_of, jobs, share, unit_done) if todo else {}


def is_small(units: Sequence[Unit]) -> bool:
    """Whether evaluating the units in this process is faster than starting others."""
    if any(not isinstance(unit, FileUnit | StoredUnit) for unit in units):
        return False
    stored = sum(unit.resources for unit in units if isinstance(unit, StoredUnit))
    return stored <= _FEW_RESOURCES


def _run_here(worker: Worker, todo: Mapping[int, Unit], output: RunOutput, advance: Advance) -> dict[int, str]:
    refused = {}
    for number, unit in todo.items():
        try:
            worker.run(unit, output.path_of(number), lambda measure: advance(1, measure.name))
        except (DataError, ContentError) as error:
            refused[number] = str(error)
            advance(len(worker.shipment.evaluation.plans), unit.name)
    return refused
