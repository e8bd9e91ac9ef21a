"""The engine: evaluates a plan over a batch of patients, on columns.

    executor = Executor(cohort, membership, FhirProfiles(), context, parameters)
    column = executor.evaluate(node, "Initial Population")
    executor.errors

See `ecqm.engine.frame` for what rows are, `ecqm.engine.executor` for where a node is evaluated.
"""

# These register an evaluator for every class of plan nodes.
from ecqm.engine import calls, casts, conditionals, fhirhelpers, intervals, iteration, queries, retrieve, values  # noqa: F401
from ecqm.engine.executor import EvaluationError, Executor, RowError
from ecqm.engine.fhirhelpers import kernel_for
from ecqm.engine.profiles import FhirProfiles

__all__ = ["EvaluationError", "Executor", "FhirProfiles", "RowError", "kernel_for"]
