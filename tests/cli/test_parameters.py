"""Parameters as fields of dataclasses: what a command takes, and what its help shows."""

from __future__ import annotations

from dataclasses import dataclass

import click
from click.testing import CliRunner

from ecqm.cli.parameters import argument, group, option, takes


@dataclass(frozen=True)
class Place:
    town: str = argument()
    street: str | None = option("--street", help="Name of the street.")


@dataclass(frozen=True)
class Visit:
    number: int = option("--no", type=int, default=1, help="How many.")
    place: Place = group(Place)
    is_long: bool = option("--long", is_flag=True, help="Whether to stay.")


@click.command()
@takes(Visit)
def visit(request: Visit) -> None:
    """Pay a visit."""
    click.echo(repr(request))


def test_a_command_gets_an_instance_of_its_dataclass() -> None:
    printed = CliRunner().invoke(visit, ["Bath", "--street", "Gay Street", "--no", "2"]).output
    assert printed.strip() == repr(Visit(2, Place("Bath", "Gay Street"), False))


def test_help_has_the_docstring_and_the_options_in_the_order_of_the_fields() -> None:
    shown = CliRunner().invoke(visit, ["--help"]).output
    assert "TOWN" in shown and "Pay a visit." in shown
    places = [shown.index(name) for name in ("--no", "--street", "--long")]
    assert places == sorted(places)


def test_wrong_values_are_refused_before_there_is_an_instance() -> None:
    result = CliRunner().invoke(visit, ["Bath", "--no", "two"])
    assert result.exit_code == 2 and "'two' is not a valid integer" in result.output
