"""What commands write: results to standard output or a file, warnings to standard error."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import click

# In a file or pipe, a row is one line, however long.
UNBOUNDED = 1000


def table_width() -> int:
    """The maximal length of the lines of a table on standard output."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else UNBOUNDED


def write(text: str, output: Path | None) -> None:
    """Write a result to a file, or print it."""
    ended = text if text.endswith("\n") else text + "\n"
    if output is None:
        click.echo(ended, nl=False)
    else:
        output.write_text(ended, "utf-8")


def warn(problem: str) -> None:
    """Write a warning to standard error."""
    click.echo(f"ecqm: warning: {problem}", err=True)


def warn_of_some(problems: Sequence[str], shown: int, more: str) -> None:
    """Write the first warnings, and then how many there are of what `more` calls them."""
    for problem in problems[:shown]:
        warn(problem)
    if len(problems) > shown:
        warn(f"and {len(problems) - shown:,} more {more}")
