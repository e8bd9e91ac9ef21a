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
    """Turn the errors of a command into a message and exit code 2.

    Those that content, libraries, plans and data raise say what is wrong; of one that nothing expects $ECQM_TRACEBACK
    shows where it arose. Wrong usage, the end of a pipe and Ctrl-C are left to click.
    """
    try:
        yield
    except (click.UsageError, click.Abort, click.exceptions.Exit, BrokenPipeError):
        raise
    except click.ClickException as error:
        _end(error.format_message())
    except OSError as error:
        _end(in_words(error))
    except MemoryError:
        _end("there is not enough memory; --memory and --jobs of `ecqm run` say how much is taken")
    except Exception as error:
        if isinstance(error, _foreseen()):
            _end(str(error))
        if os.environ.get(TRACEBACK):
            raise
        _end(f"internal error: {type(error).__name__}: {error} ({TRACEBACK}=1 shows where)")


@contextmanager
def resumable(what: str) -> Iterator[None]:
    """Say of a disk that is full or fails that no harm is done: the command started again goes on."""
    try:
        yield
    except OSError as error:
        from ecqm.data.writing import OF_THE_DISK

        if error.errno not in OF_THE_DISK:
            raise
        message = f"{what} cannot be written: {error}; what is done is kept, and the same command goes on from there"
        raise click.ClickException(message) from error


def in_words(error: OSError) -> str:
    """A failure of the operating system, with the file first, as compilers write it."""
    if error.strerror is None or error.filename is None:
        return str(error)
    return f"{click.format_filename(error.filename)}: {error.strerror}"


def _end(message: str) -> None:
    click.echo(f"ecqm: {message}", err=True)
    sys.exit(2)


def _foreseen() -> tuple[type[Exception], ...]:
    """Errors whose message is for the user. Imported where one has been raised: help has to come up at once."""
    from ecqm.bundles.content.documents import ContentError
    from ecqm.bundles.content.libraries import LibraryNotFound
    from ecqm.data import DataError
    from ecqm.elm import ElmError
    from ecqm.engine import EvaluationError
    from ecqm.measures.decks.defects import DefectListError
    from ecqm.measures.definition import MeasureError
    from ecqm.measures.definition.naming import MeasureNotFound
    from ecqm.plan.lowering import PlanError

    return (
        ContentError,
        DataError,
        DefectListError,
        ElmError,
        EvaluationError,
        LibraryNotFound,
        MeasureError,
        MeasureNotFound,
        PlanError,
    )
