"""What the user sees of an error: what is wrong in a line, and exit code 2; never a traceback, unless asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

TRACEBACK = "ECQM_TRACEBACK"


@contextmanager
def reported() -> Iterator[None]:
    """Turn the errors that content, libraries, plans and data raise into a message and exit code 2."""
    from ecqm.bundles.catalog import MeasureNotFound
    from ecqm.bundles.documents import ContentError
    from ecqm.bundles.libraries import LibraryNotFound
    from ecqm.data import DataError
    from ecqm.elm import ElmError
    from ecqm.engine import EvaluationError
    from ecqm.measures.defects import DefectListError
    from ecqm.measures.definition import MeasureError
    from ecqm.plan.lowering import PlanError

    known = (
        ContentError,
        DataError,
        DefectListError,
        ElmError,
        EvaluationError,
        LibraryNotFound,
        MeasureError,
        MeasureNotFound,
        OSError,
        PlanError,
    )
    try:
        yield
    except click.ClickException as error:
        click.echo(f"ecqm: {error.format_message()}", err=True)
        sys.exit(2)
    except known as error:
        click.echo(f"ecqm: {error}", err=True)
        sys.exit(2)


@contextmanager
def resumable(what: str) -> Iterator[None]:
    """Say of an error of writing (the disk is full) that no harm is done: the command started again goes on."""
    try:
        yield
    except OSError as error:
        message = f"{what} cannot be written: {error}; what is done is kept, and the same command goes on from there"
        raise click.ClickException(message) from error


@contextmanager
def unforeseen() -> Iterator[None]:
    """Turn an error that no command expects into a message and exit code 2; $ECQM_TRACEBACK shows where it arose."""
    try:
        yield
    except (click.ClickException, click.Abort, click.exceptions.Exit, BrokenPipeError):
        raise
    except Exception as error:
        if os.environ.get(TRACEBACK):
            raise
        click.echo(f"ecqm: internal error: {type(error).__name__}: {error} ({TRACEBACK}=1 shows where)", err=True)
        sys.exit(2)
