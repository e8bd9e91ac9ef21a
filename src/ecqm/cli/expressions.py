"""What expressions of `ecqm eval` and `ecqm repl` are about: a library, value sets, and a patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ecqm.cli.options import EXISTING_FILE, data_option, libraries_option, period_option, valuesets_option
from ecqm.cli.parameters import option
from ecqm.cli.terminal import warn

if TYPE_CHECKING:
    from ecqm.bundles.evaluation.batches import Stated
    from ecqm.data.source import PatientData
    from ecqm.expressions.evaluation import Expressions
    from ecqm.language.sources import SourceIndex
    from ecqm.terminology import ValueSetStore

_HELPERS = "FHIRHelpers"
_MEASUREMENT_PERIOD = "Measurement Period"


@dataclass(frozen=True)
class ExpressionOptions:
    """The options of commands that evaluate expressions."""

    library: Path | None = option("--library", type=EXISTING_FILE, help="CQL library whose definitions may be used.")
    libraries: tuple[Path, ...] = libraries_option()
    valuesets: tuple[Path, ...] = valuesets_option()
    data: tuple[Path, ...] = data_option()
    patient: str | None = option("--patient", metavar="ID", help="Id of the patient; by default the first one.")
    period: Stated = period_option(help='Value of the parameter "Measurement Period".')

    def expressions(self) -> Expressions:
        """What evaluates expressions with these options; their warnings are written to standard error. Raises DataError
        and OSError."""
        from ecqm.expressions.evaluation import Expressions
        from ecqm.measures.definition.period import closed_period
        from ecqm.values import EvaluationContext

        sources = self._sources()
        patients = self._patients()
        patient = self.patient
        if patients is not None and patient is None:
            patient = next(iter(patients.patient_ids()), None)
        start, end = self.period
        return Expressions(
            EvaluationContext.of_this_moment(),
            self._library_source(sources),
            sources,
            patients,
            patient,
            _value_sets(self.valuesets),
            {} if start is None or end is None else {_MEASUREMENT_PERIOD: closed_period(start, end)},
            _warn,
        )

    def _sources(self) -> SourceIndex:
        """Where included libraries are looked up."""
        from ecqm.language.sources import index

        found = index([*([self.library.parent] if self.library is not None else []), *self.libraries])
        for folder in self.libraries:
            found.add_resources(folder)
        return found

    def _patients(self) -> PatientData | None:
        if not self.data:
            return None
        from ecqm.data.source import PatientData

        return PatientData(self.data)

    def _library_source(self, sources: SourceIndex) -> str | None:
        """The source of the library, or of one for FHIR data if there are data; otherwise None."""
        from ecqm.language.sources import read_source

        if self.library is not None:
            return read_source(self.library)
        return _of_fhir(sources) if self.data else None


def _warn(warning: str) -> None:
    hint = "; set it with --period" if warning == f'parameter "{_MEASUREMENT_PERIOD}" has no value' else ""
    warn(warning + hint)


def _value_sets(folders: Sequence[Path]) -> ValueSetStore:
    from ecqm.terminology import ValueSetStore

    found = ValueSetStore()
    if folders:
        from ecqm.bundles.content.documents import open_documents, readers

        for folder in folders:
            found.add_layer(readers(open_documents(folder)))
    return found


def _of_fhir(sources: SourceIndex) -> str:
    """The source of a library for FHIR data, including FHIRHelpers."""
    version = next(iter(sources.versions(_HELPERS)), None)
    include = f"include {_HELPERS}" + (f" version '{version}'" if version else "")
    return f"using FHIR version '4.0.1'\n{include}\ncontext Patient\n"
