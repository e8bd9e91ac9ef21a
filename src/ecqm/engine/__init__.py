"""The engine: evaluates a plan over a batch of patients, on columns.

    executor = Executor(cohort, membership, FhirProfiles(), context, parameters)
    column = executor.value(node, executor.patients)
    executor.errors

See `ecqm.engine.frame` for what rows are, `ecqm.engine.executor` for where a node is evaluated.
"""

from ecqm.engine import calls, casts, conditionals, fhirhelpers, intervals, iteration, queries, retrieve, values
from ecqm.engine.executor import EvaluationError, Executor, RowError
from ecqm.engine.fhirhelpers import kernel_for
from ecqm.engine.profiles import FhirProfiles

__all__ = [
    "EvaluationError",
    "Executor",
    "FhirProfiles",
    "RowError",
    "calls",
    "casts",
    "conditionals",
    "fhirhelpers",
    "intervals",
    "iteration",
    "kernel_for",
    "queries",
    "retrieve",
    "values",
]
