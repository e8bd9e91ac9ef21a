"""Evaluation in one process: unit by unit, with one index of codes, each unit to a part."""

from __future__ import annotations

import pickle
import re
import resource
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import process_time

from ecqm.bundles.evaluation.batches import Batch, Evaluation
from ecqm.cluster.units import Unit
from ecqm.data import DataError
from ecqm.data.allocation import many_objects
from ecqm.measures.definition import Measure
from ecqm.operators.message import telling
from ecqm.reporting.results.parts import Message, Part, message_of
from ecqm.reporting.results.recording import PartRecorder
from ecqm.terminology import CodeIndex, Membership

Watch = Callable[[Measure], None]


@dataclass(frozen=True)
class Shipment:
    """An evaluation and the recorder of its results, to be sent to another process."""

    evaluation: Evaluation
    recorder: PartRecorder

    @property
    def measures(self) -> dict[str, Measure]:
        """The measures of the evaluation by canonical, also those without a plan, which have only composites."""
        measures = [plan.measure for plan in self.evaluation.plans]
        return {measure.canonical: measure for measure in (*measures, *self.evaluation.composites)}

    def packed(self) -> bytes:
        """The shipment as bytes, without what the other process does not need."""
        return pickle.dumps(Shipment(self.evaluation.portable(), self.recorder), protocol=5)

    @staticmethod
    def unpacked(packed: bytes) -> Shipment:
        """The shipment in `packed`, which must come from the process that started this one (it is a pickle)."""
        with many_objects():
            shipment: Shipment = pickle.loads(packed)
        return shipment


@dataclass
class Worker:
    """Evaluates units and writes their parts."""

    shipment: Shipment
    codes: CodeIndex = field(default_factory=CodeIndex)

    def __post_init__(self) -> None:
        evaluation = self.shipment.evaluation
        self._membership = Membership(self.codes, evaluation.value_sets)
        self._plans = {plan.measure.canonical: plan for plan in evaluation.plans}

    def evaluate(self, unit: Unit, watch: Watch = lambda measure: None) -> tuple[Batch, Part]:
        """The results of a unit. Raises DataError if its data cannot be read."""
        messages: Counter[Message] = Counter()
        started = process_time()
        cohort = unit.cohort(self.shipment.evaluation.demand, self.codes)
        loaded = process_time()
        with telling(lambda told: messages.update([message_of(told)])):
            batch = self.shipment.evaluation.batch(cohort, self._membership, watch)
        part = self.shipment.recorder.part(batch, self._plans, messages)
        part.seconds = {"load": loaded - started, "evaluate": process_time() - loaded}
        return batch, part

    def run(self, unit: Unit, path: Path, watch: Watch = lambda measure: None) -> None:
        """Evaluate a unit and write its part to `path`.

        Raises DataError if its data cannot be read, OSError if the part cannot be written.
        """
        try:
            batch, part = self.evaluate(unit, watch)
        except OSError as error:
            raise DataError(f"{unit.name}: {error}") from error
        self.shipment.recorder.write(batch, part, path)


def peak_memory() -> int:
    """The peak memory of this process, in bytes."""
    # getrusage includes the memory of the parent process at the start of this one; /proc does not.
    status = Path("/proc/self/status")
    if status.exists() and (found := re.search(r"VmHWM:\s*(\d+) kB", status.read_text("ascii"))):
        return int(found[1]) << 10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak << 10
