"""`ecqm repl`: CQL line by line."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ecqm.cli.examples import examples
from ecqm.cli.expressions import ExpressionOptions
from ecqm.cli.parameters import takes

if TYPE_CHECKING:
    from ecqm.expressions.evaluation import Expressions

# Commands import what they need when they run, to keep --help fast.

PROMPT, CONTINUED = "cql> ", "...> "
_LEAVING = frozenset({"exit", "quit"})
_HELP = """\
An expression prints its value:            1 + 1
A definition is kept for later lines:      define "Adult": AgeInYears() >= 18
Declarations too:                          valueset "Visits": 'http://example.org/visits'
Open brackets continue on the next line. To leave: exit, quit, or the end of the input."""
_NAME = r"(\"(?:[^\"\\]|\\.)*\"|`(?:[^`\\]|\\.)*`|\w+)"
_DECLARATION = re.compile(rf"(using|include|codesystem|valueset|code|concept|parameter)\s+{_NAME}")
_DEFINITION = re.compile(rf"(define)\s+(?:(?:public|private|fluent|function)\s+)*{_NAME}")
_HEADER = re.compile(r"\s*library\s[^\n]*\n")
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`(?:[^`\\]|\\.)*`|//[^\n]*")


@click.command(
    "repl",
    epilog=examples(
        "ecqm repl",
        "ecqm repl --library MyMeasure.cql --libraries CONTENT --data CASE",
    ),
)
@takes(ExpressionOptions)
def command(options: ExpressionOptions) -> None:
    """Evaluate CQL line by line, with history.

    A line is an expression, whose value is printed, or a definition (define, parameter, valueset, include …), which
    the lines after it can use; defining a name again replaces it. A line with open brackets goes on in the next one.
    Ends with exit, quit, or the end of the input; help shows examples.
    """
    session = Session(options.expressions())
    with _history():
        for text in _entries():
            with suppress(KeyboardInterrupt):
                answer = session.answer(text)
                if answer:
                    click.echo(answer)


class Session:
    """Evaluates expressions and definitions, each with the definitions before it."""

    def __init__(self, expressions: Expressions) -> None:
        self._expressions = expressions
        self._base = expressions.library or ""
        self._declared: dict[tuple[str, str], str] = {}
        self._defined: dict[tuple[str, str], str] = {}

    def answer(self, text: str) -> str:
        """The output for an entry: the value of an expression, nothing for a definition, or the errors."""
        from ecqm.data import DataError
        from ecqm.elm import ElmError
        from ecqm.expressions.evaluation import ExpressionRefused
        from ecqm.plan.lowering import PlanError
        from ecqm.reporting.notation import notation
        from ecqm.values import CqlError

        for pattern, known in ((_DECLARATION, self._declared), (_DEFINITION, self._defined)):
            found = pattern.match(text)
            if found is not None:
                return self._define(known, (found[1], found[2]), text)
        try:
            return notation(self._expressions.value(text), sys.maxsize)
        except ExpressionRefused as error:
            return error.render()
        except (CqlError, DataError, ElmError, PlanError) as error:
            return f"error: {error}"

    def _define(self, known: dict[tuple[str, str], str], key: tuple[str, str], text: str) -> str:
        before = known.get(key)
        known[key] = text
        source = self._source()
        errors = self._expressions.check(source)
        if not errors:
            self._expressions.library = source
            return ""
        if before is None:
            del known[key]
        else:
            known[key] = before
        return "\n".join(error.render("definition") for error in errors)

    def _source(self) -> str:
        """The source of the library, with the entered declarations after its header and the entered definitions at the
        end."""
        header = _HEADER.match(self._base)
        at = header.end() if header else 0
        parts = (self._base[:at], *self._declared.values(), self._base[at:], *self._defined.values())
        return "\n".join(parts) + "\n"


def _entries() -> Iterator[str]:
    """The entries until the end of the input; a line with open brackets continues on the next one."""
    text = ""
    told = sys.stdin.isatty()
    while True:
        try:
            line = input((CONTINUED if text else PROMPT) if told else "")
        except EOFError:
            if told:
                click.echo()
            return
        except KeyboardInterrupt:
            click.echo()
            text = ""
            continue
        text = f"{text}\n{line}" if text else line
        if not text.strip():
            text = ""
        elif text.strip() in _LEAVING:
            return
        elif text.strip() == "help":
            click.echo(_HELP)
            text = ""
        elif not _is_open(text):
            yield text.strip()
            text = ""


def _is_open(text: str) -> bool:
    """Whether there are unclosed brackets."""
    bare = _QUOTED.sub("", text)
    return sum(bare.count(bracket) for bracket in "([{") > sum(bare.count(bracket) for bracket in ")]}")


@contextmanager
def _history() -> Iterator[None]:
    """Line editing, and a history of earlier sessions; only on a terminal."""
    if not sys.stdin.isatty():
        yield
        return
    try:
        import readline
    except ImportError:
        yield
        return
    path = os.environ.get("ECQM_HISTORY") or Path.home() / ".ecqm_history"
    with suppress(OSError):
        readline.read_history_file(path)
    try:
        yield
    finally:
        with suppress(OSError):
            readline.write_history_file(path)
