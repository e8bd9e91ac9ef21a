"""`ecqm eval`: the value of a CQL expression."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ecqm.cli.examples import examples
from ecqm.cli.expression_options import expression_options

# Commands import what they need when they run, to keep --help fast.


@click.command(
    "eval",
    epilog=examples(
        "ecqm eval '@2026-01-31 + 1 month'",
        "ecqm eval '\"Qualifying Encounters\"' --library MyMeasure.cql --period 2026 \\",
        "    --libraries CONTENT --valuesets CONTENT --data CASE",
    ),
)
@click.argument("expression")
@expression_options
def command(
    expression: str,
    library: Path | None,
    libraries: tuple[Path, ...],
    valuesets: tuple[Path, ...],
    data: tuple[Path, ...],
    patient: str | None,
    period: str | None,
) -> None:
    """Print the value of a CQL EXPRESSION in CQL notation; resources as Type/id.

    The expression may use what --library defines, and with --data it is about a patient. Exits with 1 if it does not
    compile or evaluating it raises an error, with 2 if it could not be tried.
    """
    from ecqm.cli.expression_options import expressions_with
    from ecqm.expressions.evaluation import ExpressionRefused
    from ecqm.reporting.notation import notation
    from ecqm.values import CqlError

    expressions = expressions_with(library, libraries, valuesets, data, patient, period)
    try:
        value = expressions.value(expression)
    except ExpressionRefused as error:
        click.echo(error.render(), err=True)
        sys.exit(1)
    except CqlError as error:
        click.echo(f"ecqm: {error}", err=True)
        sys.exit(1)
    click.echo(notation(value, sys.maxsize))
