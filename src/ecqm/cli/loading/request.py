"""The arguments of `ecqm load`."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from ecqm.cli.options import EXISTING, FOLDER, format_option, libraries_option, measures_option, valuesets_option
from ecqm.cli.parameters import argument, option


class Offset(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """A UTC offset, `-05:00`, as minutes east of UTC."""

    name = "offset"

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> int:
        from ecqm.values.temporal import LARGEST_OFFSET

        found = re.fullmatch(r"([+-])(\d\d):([0-5]\d)", value)
        if found is None or (minutes := int(found[2]) * 60 + int(found[3])) > LARGEST_OFFSET:
            self.fail(f"it is written ±hh:mm, up to 14:00, not {value!r}", param, context)
        return -minutes if found[1] == "-" else minutes


@dataclass(frozen=True)
class LoadRequest:
    """The arguments of `ecqm load`; `offset` is in minutes east of UTC."""

    data: tuple[Path, ...] = argument(nargs=-1, required=True, type=EXISTING)
    output: Path = option("--output", required=True, type=FOLDER, help="Folder of the cohort store.")
    content: Path | None = option(
        "--content", type=EXISTING, help="Measures to prepare columns for; by default, every element gets one."
    )
    measures: tuple[str, ...] = measures_option(help="Only this measure of --content (may be repeated).")
    libraries: tuple[Path, ...] = libraries_option()
    valuesets: tuple[Path, ...] = valuesets_option()
    append: bool = option(
        "--append", is_flag=True, help="Update a store: add new, replace changed and remove deleted resources."
    )
    replace_patient: bool = option(
        "--replace-patient", is_flag=True, help="Update a store, replacing all data of the patients in DATA."
    )
    offset: int = option(
        "--offset",
        type=Offset(),
        metavar="OFFSET",
        default="+00:00",
        show_default=True,
        help="UTC offset of date-times that have none.",
    )
    jobs: int | None = option(
        "--jobs", type=click.IntRange(1), help="Number of processes; by default the number of cores."
    )
    format: str = format_option("table", "json", of="report")

    def __post_init__(self) -> None:
        """Raises UsageError for measures without content, ClickException for a store as data."""
        from ecqm.data.store.store import is_store

        if self.measures and self.content is None:
            raise click.UsageError("--measure needs --content")
        if stores := [path for path in self.data if is_store(path)]:
            raise click.ClickException(f"{stores[0]} is a cohort store already; `ecqm run` takes it as --data")

    @property
    def processes(self) -> int:
        """How many processes load at once."""
        return self.jobs or os.cpu_count() or 1
