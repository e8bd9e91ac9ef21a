"""Tables as text."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table


def table_text(table: Table, width: int) -> str:
    """The lines of a table, without spaces at their ends; they have `width` characters at most."""
    from rich.console import Console

    out = StringIO()
    Console(file=out, width=width).print(table)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())
