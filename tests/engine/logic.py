"""CQL evaluated over small cohorts, for the tests of the engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ecqm.columns import ResourceRow, to_values
from ecqm.data import Cohort, read_files
from ecqm.elm import IndexedLibrary, LibraryCollection
from ecqm.engine import Executor, FhirProfiles, kernel_for
from ecqm.language import Compiler
from ecqm.language.sources import library_header
from ecqm.plan.lowering import Lowering
from ecqm.plan.nodes import PlanNode
from ecqm.reporting.notation import resource_name
from ecqm.terminology import CodeIndex, Membership, ValueSetStore
from ecqm.values import DateTime, EvaluationContext, Tuple
from tests.data.resources import Json, bundle, write

HEADER = """library Logic version '1'
using {}
include FHIRHelpers version '{}'
{}context Patient
"""
SAMPLE_HELPERS = Path(__file__).parents[2] / "measure_bundles/sample/input/cql/FHIRHelpers.cql"
REQUEST = EvaluationContext(DateTime(2026, 3, 10, 12, 0, 0, 0, 0))


class Logic:
    """A library of the given definitions on `model`, and the plan of each; `helpers` is the CQL of FHIRHelpers."""

    def __init__(
        self,
        source: str,
        kernels: Callable[[str, str], str | None] = kernel_for,
        helpers: Path = SAMPLE_HELPERS,
        declarations: str = "",
        model: str = "FHIR version '4.0.1'",
    ) -> None:
        text = helpers.read_text("utf-8")
        header = library_header(text)
        assert header is not None
        compiler = Compiler(lambda name, version: text if (name, version) == header else None)
        compilation = compiler.compile_library(HEADER.format(model, header[1], declarations) + source)
        assert compilation.ok, [error.render("Logic") for error in compilation.errors]
        included = compiler.library(*header)
        assert included is not None
        main = IndexedLibrary(compilation.library)
        collection = LibraryCollection([main, IndexedLibrary(included.library)])
        self.lowering = Lowering(collection.resolve(main), kernels)
        self.main = self.lowering.libraries.main

    def plan(self, name: str) -> PlanNode:
        return self.lowering.define(self.main, name)

    def executor(self, cohort: Cohort, parameters: Mapping[str, Any] | None = None, **options: Any) -> Executor:
        terminology = Membership(cohort.codes, ValueSetStore())
        return Executor(cohort, terminology, FhirProfiles(), REQUEST, parameters or {}, **options)

    def values(self, name: str, on: Cohort | Executor) -> list[Any]:
        """The value of a definition for each patient; resources by their names."""
        executor = on if isinstance(on, Executor) else self.executor(on)
        column = executor.evaluate(self.plan(name), name).broadcast(executor.cohort.n)
        return [named(value) for value in to_values(column)]


def named(value: Any) -> Any:
    """A value with `Type/id` in place of resources."""
    if isinstance(value, ResourceRow):
        return resource_name(value)
    if isinstance(value, tuple):
        return tuple(map(named, value))
    if isinstance(value, Tuple):
        return Tuple({name: named(part) for name, part in value.items()}, value.type_name)
    return value


def cohort_of(folder: Path, *patients: Sequence[Json]) -> Cohort:
    """A cohort of patients, each a list of their resources, in this order."""
    files = [write(folder / f"{number:04}.json", bundle(*resources)) for number, resources in enumerate(patients)]
    return read_files(files, codes=CodeIndex())
