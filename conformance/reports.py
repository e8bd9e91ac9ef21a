"""What runners write: tables in Markdown, as they are in README.md, and results as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec


def table_head(*columns: str) -> str:
    """The first two lines of a table: the first column holds names, the others figures."""
    return f"| {' | '.join(columns)} |\n|---|{'---:|' * (len(columns) - 1)}"


def table_row(name: str, *figures: int | str) -> str:
    """A line of a table; integers get commas."""
    cells = (f"{figure:,}" if isinstance(figure, int) else figure for figure in figures)
    return f"| {name} | {' | '.join(cells)} |"


def shortened(value: Any, length: int = 200) -> str:
    """A value as JSON, cut to a length."""
    text = json.dumps(value)
    return text if len(text) < length else text[: length - 3] + "…"


def write_results(path: Path | None, results: Any) -> None:
    """Write results (JSON values and dataclasses) to a file, if one is given."""
    if path is not None:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")
