"""The width of output."""

from __future__ import annotations

import shutil
import sys

# In a file or pipe, a row is one line, however long.
UNBOUNDED = 1000


def table_width() -> int:
    """The maximal length of the lines of a table on standard output."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else UNBOUNDED
