"""What a terminal has room for."""

from __future__ import annotations

import shutil
import sys

# Elsewhere (a file, a pipe) a row is one line, however long.
UNBOUNDED = 1000


def table_width() -> int:
    """How many characters a line of a table on standard output may have."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else UNBOUNDED
