"""The arguments and tables of all runners, which are one folder up, for those in this folder."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from content_arguments import content_options, content_parser, folder_parser, opened, runner_parser
from reports import shortened, table_head, table_row, write_results

__all__ = [
    "content_options",
    "content_parser",
    "folder_parser",
    "opened",
    "runner_parser",
    "shortened",
    "table_head",
    "table_row",
    "write_results",
]
