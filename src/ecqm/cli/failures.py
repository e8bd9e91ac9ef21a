"""How errors are shown to the user: a message and exit code 2 (130 after Ctrl-C); a traceback only on request."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

TRACEBACK = "ECQM_TRACEBACK"
# As shells report a process that Ctrl-C ended.
_INTERRUPTED = 130
_CONTINUES = "what is done is kept, and the same command goes on from there"


@contextmanager
def reported() -> Iterator[None]:
    """Turn the errors of a command into a message and exit code 2.

    Errors of content, libraries, plans and data have a message for the user; for an unexpected error, $ECQM_TRACEBACK
    shows the traceback. Ctrl-C is a message as well. Usage errors and closed pipes are left to click.
    """
    try:
        yield
    except (click.UsageError, click.Abort, click.exceptions.Exit, BrokenPipeError):
        raise
    except KeyboardInterrupt as interrupt:
        if sys.stderr.isatty():
            # The terminal shows ^C in the line.
            click.echo(err=True)
        _end(str(interrupt) or "interrupted", _INTERRUPTED)
    except click.ClickException as error:
        _end(error.format_message())
    except OSError as error:
        _end(in_words(error))
    except UnicodeEncodeError as error:
        _end(f"{error.object!r} is not UTF-8; files and folders need names that are")
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
    """Tell the user after a disk error (a full disk) or Ctrl-C that the command continues where it stopped if it is
    started again."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        raise KeyboardInterrupt(f"interrupted; {_CONTINUES}") from interrupt
    except OSError as error:
        from ecqm.data.problems import reason
        from ecqm.data.writing import OF_THE_DISK

        if error.errno not in OF_THE_DISK:
            raise
        message = f"{what} cannot be written: {reason(error)}; {_CONTINUES}"
        raise click.ClickException(message) from error


def in_words(error: OSError) -> str:
    """An error of the operating system, with the file first."""
    if error.strerror is None or error.filename is None:
        return error.strerror or str(error)
    return f"{click.format_filename(error.filename)}: {error.strerror}"


def _end(message: str, code: int = 2) -> None:
    click.echo(f"ecqm: {message}", err=True)
    sys.exit(code)


def _foreseen() -> tuple[type[Exception], ...]:
    """Errors whose message is for the user. They are imported only after an error, to keep --help fast."""
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
