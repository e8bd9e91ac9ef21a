"""What a worker of the server has at hand: content, plans that are made once, and patients."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ecqm.bundles.content import Content
from ecqm.bundles.evaluation.compiling import ContentCompiler
from ecqm.bundles.evaluation.selection import Selection, select
from ecqm.data.source import PatientData
from ecqm.engine.profiles import ProfileRule
from ecqm.measures.definition import Measure
from ecqm.measures.definition.naming import MeasureNotFound
from ecqm.server.inputs import Inputs
from ecqm.server.outcomes import cannot_process, not_found, not_supported
from ecqm.server.patients import Patients, bundles_of, patients_in


@dataclass(frozen=True)
class Served:
    """What is served: content with what completes it, and the paths of patients, if there are any."""

    content: Path
    libraries: tuple[Path, ...] = ()
    valuesets: tuple[Path, ...] = ()
    manifest: str | None = None
    data: tuple[Path, ...] = ()
    profiles: ProfileRule = "both"
    relax_versions: bool = False
    allow_missing: bool = False


class Service:
    """Answers the questions of operations. Raises ContentError or DataError if what is served cannot be opened."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.content = Content.open(served.content, served.libraries, served.valuesets)
        if served.manifest is not None:
            self.content.pin(served.manifest)
        self._patients = Patients(PatientData(served.data)) if served.data else None
        if self._patients is not None:
            self._patients.data.require_disjoint()
        self._planned: dict[str, Selection] = {}

    @cached_property
    def compiler(self) -> ContentCompiler:
        """What compiles the libraries of the content, each once."""
        return ContentCompiler(self.content, self.served.relax_versions)

    def measure(self, name: str) -> Measure:
        """The measure with a name, id or canonical URL, or of a reference `Measure/id`. Raises RequestError."""
        try:
            return self.content.measure(name.removeprefix("Measure/"))
        except MeasureNotFound as error:
            raise not_found(str(error)) from error

    def planned(self, measure: Measure) -> Selection:
        """The plan of a measure, made when it is first asked for. Raises RequestError if it cannot be planned."""
        selection = self._planned.get(measure.canonical)
        if selection is None:
            selection = select(self.content, [measure], self.served.relax_versions)
            self._planned[measure.canonical] = selection
        if not selection.measures:
            raise cannot_process(*(f"{name}: {reason}" for name, reason in selection.not_planned.items()))
        return selection

    def evaluable(self, measure: Measure) -> Selection:
        """The plan of a measure, to be evaluated. Raises RequestError, also if value sets are missing."""
        selection = self.planned(measure)
        if selection.missing and not self.served.allow_missing:
            raise cannot_process(*(f"value set {missing}" for missing in selection.missing))
        return selection

    @contextmanager
    def patients(self, inputs: Inputs) -> Iterator[Patients | None]:
        """The patients of a request: those of its Bundles (`data`, `additionalData`, `prefetchData`), otherwise those
        of the server unless `useServerData` is false. Raises RequestError."""
        bundles = bundles_of(inputs)
        uses_server = inputs.truth("useServerData", default=not bundles)
        if not bundles:
            yield self._patients if uses_server else None
            return
        if uses_server and self._patients is not None:
            raise not_supported("data of the request and data of the server are not put together")
        with patients_in(bundles) as patients:
            yield patients
