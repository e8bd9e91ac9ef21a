"""Evaluating CQL expressions, without data (as in the conformance suite) or about a patient."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from ecqm.columns import Column, Rows, to_values
from ecqm.elm import nodes
from ecqm.elm.library import IndexedLibrary
from ecqm.elm.resolution import LibraryCollection, ResolvedLibraries
from ecqm.engine import EvaluationError, Executor, FhirProfiles, kernel_for
from ecqm.language import (
    EXPRESSION_NAME,
    Compilation,
    CompiledCache,
    Compiler,
    CompilerOptions,
    Diagnostic,
    SourceResolver,
)
from ecqm.plan.lowering import Lowering
from ecqm.plan.nodes import Constant, Parameter, PlanNode, reachable
from ecqm.terminology import CodeIndex, Membership, ValueSetStore
from ecqm.types import ANY, CqlType
from ecqm.values import CqlError, EvaluationContext, ValueSet

# Most expressions need no data; what reads it takes as long to import as such an expression takes to evaluate.
if TYPE_CHECKING:
    from ecqm.data import Cohort
    from ecqm.data.source import PatientData


class ExpressionRefused(Exception):
    """An expression that does not compile, with the `errors` of the compiler."""

    def __init__(self, errors: Sequence[Diagnostic]) -> None:
        super().__init__("; ".join(error.message for error in errors))
        self.errors = tuple(errors)

    def render(self) -> str:
        """The errors with their places, one per line."""
        return "\n".join(error.render(error.library or "expression") for error in self.errors)


class NoData:
    """A cohort of one patient without data."""

    n = 1

    def table(self, resource_type: str) -> Any:
        """Raises EvaluationError: there are no resources to retrieve."""
        raise EvaluationError(f"there is no data to retrieve {resource_type} from; name it with --data")

    def resolve(self, references: Column, patients: Rows, resource_type: str, serials: Rows | None = None) -> Rows:
        """Raises EvaluationError: there are no resources to refer to."""
        raise EvaluationError(f"there is no data to find a {resource_type} in")


class TypedValue(NamedTuple):
    """A value with the type that the compiler gives its expression."""

    value: Any
    type: CqlType


@dataclass
class Expressions:
    """Evaluates expressions that may use the definitions of a library, about a patient if one is named.

    `resolver` finds the CQL of included libraries; `parameters` gives values by name. Without a patient there is
    nothing to retrieve. `warn` is called for missing value sets and parameters that an expression uses. `cache` keeps
    compiled libraries.
    """

    context: EvaluationContext
    library: str | None = None
    resolver: SourceResolver | None = None
    data: PatientData | None = None
    patient: str | None = None
    value_sets: ValueSetStore = field(default_factory=ValueSetStore)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    warn: Callable[[str], None] = lambda warning: None
    cache: CompiledCache | None = None

    def value(self, source: str) -> Any:
        """The value of an expression; raises as `evaluate`."""
        return self.evaluate(source).value

    def evaluate(self, source: str) -> TypedValue:
        """The value of an expression, and its type.

        Raises ExpressionRefused if it does not compile, CqlError for a run-time error, DataError if there is no such
        patient, PlanError and EvaluationError for what the engine does not support."""
        compilation, plan = self._plan(source)
        codes = CodeIndex() if self.data is None else self.data.codes
        cohort, row = self._patient()
        for lacking in self._lacking(plan):
            self.warn(lacking)
        terminology = Membership(codes, self.value_sets)
        context = replace(self.context, terminology=self.value_sets)
        executor = Executor(cohort, terminology, FhirProfiles(), context, self.parameters)
        try:
            column = executor.evaluate(plan, EXPRESSION_NAME).broadcast(cohort.n)
        except EvaluationError as error:
            raise CqlError(str(error)) from error
        errors = [error.message for error in executor.errors if error.patient == row]
        if errors:
            raise CqlError(errors[0])
        return TypedValue(to_values(column)[row], compilation.result or ANY)

    def _lacking(self, plan: PlanNode) -> Iterator[str]:
        nodes = reachable([plan])
        sets = [node.value for node in nodes if isinstance(node, Constant) and isinstance(node.value, ValueSet)]
        used = sorted({"|".join(filter(None, (each.id, each.version))) for each in sets})
        for missing in self.value_sets.missing(dict.fromkeys(used, ())):
            yield f"value set {missing}; add it with --valuesets"
        names = {node.name for node in nodes if isinstance(node, Parameter) and node.default is None}
        for name in sorted(names - set(self.parameters)):
            yield f'parameter "{name}" has no value'

    def check(self, source: str) -> tuple[Diagnostic, ...]:
        """The errors of the source of a library."""
        return Compiler(self.resolver).compile_library(source).errors

    def _plan(self, source: str) -> tuple[Compilation, PlanNode]:
        # Overloads of profiles of one type are told apart by their source.
        compiler = Compiler(self.resolver, CompilerOptions(annotations=True), self.cache)
        compilation = compiler.compile_expression(source, self.library)
        if compilation.errors:
            raise ExpressionRefused(compilation.errors)
        linked = _linked(compilation.library, compiler)
        lowering = Lowering(linked, kernel_for)
        plan = lowering.define(linked.main, EXPRESSION_NAME)
        for warning in lowering.warnings:
            self.warn(warning)
        return compilation, plan

    def _patient(self) -> tuple[Cohort | NoData, int]:
        if self.data is None or self.patient is None:
            return NoData(), 0
        from ecqm.data import EVERYTHING

        cohort = self.data.batch_of(self.patient, EVERYTHING)
        if cohort is None:
            from ecqm.reporting.explanations.patients import no_such_patient

            raise no_such_patient(self.patient, list(self.data.patient_ids()))
        return cohort, cohort.ids.index(self.patient)


def _linked(library: nodes.Library, compiler: Compiler) -> ResolvedLibraries:
    """A compiled library with those that it includes, which the same compiler compiled."""
    collection = LibraryCollection()
    waiting = [IndexedLibrary(library)]
    main = waiting[0]
    seen = {main.identifier}
    while waiting:
        current = waiting.pop()
        collection.add(current)
        for identifier in current.includes.values():
            compiled = compiler.library(identifier.name, identifier.version)
            if compiled is not None and identifier not in seen:
                seen.add(identifier)
                waiting.append(IndexedLibrary(compiled.library))
    return collection.resolve(main)


def evaluate_expression(source: str, context: EvaluationContext) -> Any:
    """The value of an expression that needs neither library nor data; raises as `Expressions.value`."""
    return Expressions(context).value(source)
