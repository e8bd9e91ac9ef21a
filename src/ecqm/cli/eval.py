"""`ecqm eval`: the value of a CQL expression."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import click

from ecqm.cli.examples import examples
from ecqm.cli.expressions import ExpressionOptions
from ecqm.cli.parameters import argument, group, takes

# Commands import what they need when they run, to keep --help fast.


@dataclass(frozen=True)
class EvalRequest:
    """The arguments of `ecqm eval`."""

    expression: str = argument()
    options: ExpressionOptions = group(ExpressionOptions)


@click.command(
    "eval",
    epilog=examples(
        "ecqm eval '@2026-01-31 + 1 month'",
        "ecqm eval '\"Qualifying Encounters\"' --library MyMeasure.cql --period 2026 \\",
        "    --libraries CONTENT --valuesets CONTENT --data CASE",
    ),
)
@takes(EvalRequest)
def command(request: EvalRequest) -> None:
    """Print the value of a CQL EXPRESSION in CQL notation; resources as Type/id.

    The expression may use what --library defines, and with --data it is about a patient. Exits with 1 if it does not
    compile or evaluating it raises an error, with 2 if it could not be tried.
    """
    from ecqm.expressions.evaluation import ExpressionRefused
    from ecqm.reporting.notation import notation
    from ecqm.values import CqlError

    expressions = request.options.expressions()
    try:
        value = expressions.value(request.expression)
    except ExpressionRefused as error:
        click.echo(error.render(), err=True)
        sys.exit(1)
    except CqlError as error:
        click.echo(f"ecqm: {error}", err=True)
        sys.exit(1)
    click.echo(notation(value, sys.maxsize))
