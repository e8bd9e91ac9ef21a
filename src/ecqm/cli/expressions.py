"""Evaluating CQL expressions that need no data, as the conformance suite and the reader at a prompt do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ecqm.columns import Column, Rows, to_values
from ecqm.elm.library import IndexedLibrary
from ecqm.elm.resolution import LibraryCollection
from ecqm.engine import FhirProfiles, EvaluationError, Executor, kernel_for
from ecqm.language import EXPRESSION_NAME, Diagnostic, compile_expression
from ecqm.plan.lowering import Lowering
from ecqm.terminology import CodeIndex, Membership, ValueSetStore
from ecqm.values import CqlError, EvaluationContext


class ExpressionRefused(Exception):
    """An expression that does not compile; `errors` are what is wrong with it."""

    def __init__(self, errors: Sequence[Diagnostic]) -> None:
        super().__init__("; ".join(error.message for error in errors))
        self.errors = tuple(errors)


class NoData:
    """A cohort of one patient of whom nothing is known."""

    n = 1

    def table(self, resource_type: str) -> Any:
        """Raises EvaluationError: there are no resources to retrieve."""
        raise EvaluationError(f"there is no data to retrieve {resource_type} from")

    def resolve(self, references: Column, patients: Rows, resource_type: str, serials: Rows | None = None) -> Rows:
        """Raises EvaluationError: there are no resources to refer to."""
        raise EvaluationError(f"there is no data to find a {resource_type} in")


def evaluate_expression(source: str, context: EvaluationContext) -> Any:
    """The value of a CQL expression.

    Raises ExpressionRefused if it does not compile, CqlError if evaluation raises a run-time error, and what plans
    raise where the engine lacks something."""
    compilation = compile_expression(source)
    if compilation.errors:
        raise ExpressionRefused(compilation.errors)
    library = IndexedLibrary(compilation.library)
    resolved = LibraryCollection([library]).resolve(library)
    plan = Lowering(resolved, kernel_for).define(resolved.main, EXPRESSION_NAME)
    codes = CodeIndex()
    executor = Executor(NoData(), Membership(codes, ValueSetStore()), FhirProfiles(), context)
    try:
        values = to_values(executor.evaluate(plan, EXPRESSION_NAME))
    except EvaluationError as error:
        raise CqlError(str(error)) from error
    if executor.errors:
        raise CqlError(executor.errors[0].message)
    return values[0]
