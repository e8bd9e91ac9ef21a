"""Measure the cost of counting sex, race, ethnicity and payer in every population (`ecqm run --supplemental-data`).

    python conformance/supplements.py CONTENT --libraries DIR --valuesets DIR --data STORE

Evaluates all measures of CONTENT on the patients of a store, in one process. Prints the CPU seconds of reading and
evaluating, and the share of supplemental data: finding the codes of patients and counting them. A second run without
them would not be precise enough, because their share is smaller than the differences between runs.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any
from unittest.mock import patch

from content_arguments import content_parser, opened, selected

from ecqm.bundles.evaluation.batches import Evaluation
from ecqm.cluster.units import units_of
from ecqm.cluster.worker import Shipment, Worker
from ecqm.data.source import PatientData
from ecqm.measures.evaluation import batch
from ecqm.measures.evaluation.cms_supplements import count_supplements, evaluate_patient_codes
from ecqm.reporting.results import recording

PERIOD = ("2026-01-01", "2026-12-31")


class Timer:
    """Adds up the CPU seconds of functions."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            started = process_time()
            try:
                return function(*arguments, **named)
            finally:
                self.seconds += process_time() - started

        return call


def main() -> None:
    parser = content_parser(__doc__)
    parser.add_argument("--data", type=Path, required=True)
    arguments = parser.parse_args()
    selection = selected(opened(arguments))
    evaluation = Evaluation(selection.plans, selection.content.value_sets, PERIOD, patient_codes=True)
    recorder = recording.PartRecorder(PERIOD, "2027-01-01", recording.ResultOptions(supplemental_data=True))
    timer = Timer()
    with (
        tempfile.TemporaryDirectory() as spools,
        patch.object(batch, "evaluate_patient_codes", timer.timed(evaluate_patient_codes)),
        patch.object(recording, "count_supplements", timer.timed(count_supplements)),
    ):
        units = list(units_of(PatientData([arguments.data]), Path(spools)))
        worker = Worker(Shipment(evaluation, recorder))
        started = process_time()
        patients = sum(worker.evaluate(unit)[1].patients for unit in units)
        whole = process_time() - started
    share = timer.seconds / (whole - timer.seconds)
    print(f"{len(selection.plans)} measures over {patients:,} patients in {len(units)} shards: {whole:.1f} s")
    print(f"  of which for supplemental data {timer.seconds:.2f} s: {share:.1%} more than without")


if __name__ == "__main__":
    main()
