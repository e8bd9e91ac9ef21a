"""A QDM measure package: one measure with its libraries and value sets, ready to be planned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ecqm.bundles.packages.basis import with_basis
from ecqm.data.qdm.schema import NEWEST, qdm_schema
from ecqm.elm import IndexedLibrary, LibraryCollection, LibraryIdentifier, ResolvedLibraries
from ecqm.engine import kernel_for
from ecqm.measures.definition import Measure
from ecqm.measures.evaluation.planning import MeasurePlan, plan_groups, plan_measure
from ecqm.measures.explanation.relevance import Statement
from ecqm.models import assumption
from ecqm.terminology import ValueSets

VALUE_SETS = "value_sets.json"
"""The file of a package's value sets."""


@dataclass(frozen=True)
class MeasurePackage:
    """A measure ready to be planned. Its name is that of its folder, or of its file if the folder has several.

    `main` names its primary library; `references` are the statements that each statement refers to, as far as the
    package lists them; `calculates_supplemental_data` tells whether the tools that it is for show supplemental data;
    `cql` has the source of libraries by name; `files` hold the package.
    """

    measure: Measure
    main: LibraryIdentifier
    libraries: LibraryCollection
    value_sets: ValueSets
    origin: str
    references: Mapping[Statement, frozenset[Statement]] = field(default_factory=dict)
    calculates_supplemental_data: bool = False
    names: tuple[str, ...] = field(default=())
    cql: Mapping[str, str] = field(default_factory=dict)
    files: tuple[Path, ...] = ()

    def __str__(self) -> str:
        return f"{self.names[0]}|{self.measure.version}" if self.measure.version else self.names[0]

    def resolve(self) -> ResolvedLibraries:
        """The libraries, read and linked. Raises ElmError."""
        return self.libraries.resolve(self.main)

    def plan(self) -> MeasurePlan:
        """The plan of the measure, with the data type of episodes as basis of its groups where it can be determined.
        Its problems say so if there is no model of its version of QDM.

        Raises ElmError, PlanError or MeasureError.
        """
        libraries = self.resolve()
        plan = plan_groups(self.measure, lambda measure: plan_measure(measure, libraries, kernel_for))
        version = qdm_version(plan)
        groups = tuple(with_basis(group, plan, qdm_schema(version)) for group in plan.measure.groups)
        told = assumption("QDM", version)
        problems = plan.problems if told is None else [*plan.problems, f"measure {plan.measure.name}, {told}"]
        return replace(plan, measure=replace(plan.measure, groups=groups), problems=problems)

    def source_of(self, library: IndexedLibrary) -> str | None:
        """The CQL that a library was made from, if the package has it."""
        return self.cql.get(library.identifier.name)


def qdm_version(plan: MeasurePlan) -> str:
    """The version of QDM that a measure's logic uses."""
    usings = (using for using in plan.libraries.main.usings if using.localIdentifier == "QDM")
    return next((str(using.version) for using in usings), NEWEST)
