"""The options of `ecqm eval` and `ecqm repl`: the library, value sets and patient that expressions are about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ecqm.cli.contents import libraries_option, valuesets_option

if TYPE_CHECKING:
    from ecqm.expressions.evaluation import Expressions
    from ecqm.language.sources import SourceIndex
    from ecqm.terminology import ValueSetStore

_C = TypeVar("_C", bound=Callable[..., Any])

_HELPERS = "FHIRHelpers"
_MEASUREMENT_PERIOD = "Measurement Period"
_OPTIONS = (
    click.option(
        "--library",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="CQL library whose definitions may be used.",
    ),
    libraries_option,
    valuesets_option,
    click.option(
        "--data",
        multiple=True,
        type=click.Path(path_type=Path),
        help="Patients: file, folder or store (may be repeated).",
    ),
    click.option("--patient", metavar="ID", help="Id of the patient; by default the first one."),
    click.option("--period", metavar="START/END", help='Value of the parameter "Measurement Period".'),
)


def expression_options(command: _C) -> _C:
    """The options of a command that evaluates expressions."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def expressions_with(
    library: Path | None,
    libraries: Sequence[Path],
    valuesets: Sequence[Path],
    data: Sequence[Path],
    patient: str | None,
    period: str | None,
) -> Expressions:
    """Evaluates expressions with these options. Raises DataError, OSError, MeasureError for an invalid period."""
    from ecqm.expressions.evaluation import Expressions
    from ecqm.language.sources import index, read_source
    from ecqm.measures.definition.period import closed_period, parse_period
    from ecqm.values import EvaluationContext

    sources = index([*([library.parent] if library is not None else []), *libraries])
    for folder in libraries:
        sources.add_resources(folder)
    patients = None
    if data:
        from ecqm.data.source import PatientData

        patients = PatientData(data)
        if patient is None:
            patient = next(iter(patients.patient_ids()), None)
    text = read_source(library) if library is not None else None
    return Expressions(
        EvaluationContext.of_this_moment(),
        text if text is not None or patients is None else _of_fhir(sources),
        sources,
        patients,
        patient,
        _value_sets(valuesets),
        {_MEASUREMENT_PERIOD: closed_period(*parse_period(period))} if period else {},
        _warn,
    )


def _warn(warning: str) -> None:
    hint = "; set it with --period" if warning == f'parameter "{_MEASUREMENT_PERIOD}" has no value' else ""
    click.echo(f"ecqm: warning: {warning}{hint}", err=True)


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
