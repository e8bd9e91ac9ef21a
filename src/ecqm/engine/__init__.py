"""The engine evaluates a plan over a batch of patients, on columns.

    executor = Executor(cohort, membership, FhirProfiles(), context, parameters)
    column = executor.evaluate(node, "Initial Population")
    executor.errors

`ecqm.engine.frame` explains the sets of rows that nodes are evaluated on, `ecqm.engine.executor` which of them is
chosen. The other modules have the evaluators of the classes of plan nodes.
"""

# Importing these modules registers their evaluators.
from ecqm.engine import (  # noqa: F401
    calls,
    casts,
    conditionals,
    elements,
    fhirhelpers,
    iteration,
    membership,
    queries,
    retrieve,
    selectors,
    values,
)
from ecqm.engine.executor import EvaluationError, Executor, RowError
from ecqm.engine.fhirhelpers import kernel_for
from ecqm.engine.profiles import FhirProfiles

__all__ = ["EvaluationError", "Executor", "FhirProfiles", "RowError", "kernel_for"]
