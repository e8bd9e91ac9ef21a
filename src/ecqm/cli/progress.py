"""Progress bars on a terminal, nothing elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn

    from ecqm.data.loading.load import Watcher

_LONGEST_DESCRIPTION = 40


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[int, str], None]]:
    """Show progress towards `total`. The function that it gives takes the number of finished steps, and what they are
    of; if that is empty, what was shown last stays."""
    from rich.progress import MofNCompleteColumn

    with _bar(MofNCompleteColumn()) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done, of: bar.update(task, advance=done, description=of[:_LONGEST_DESCRIPTION] or None)


@contextmanager
def load_progress() -> Iterator[Watcher]:
    """Show the two halves of a load: how much of the input is sorted, then how much of it is built into shards."""
    from rich.progress import DownloadColumn, TransferSpeedColumn

    with _bar(DownloadColumn(), TransferSpeedColumn()) as bar:
        yield _LoadWatcher(bar)


class _LoadWatcher:
    """The bytes that are built are estimated by the number of shards."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._sorting = bar.add_task("reading", total=None)
        self._building = bar.add_task("building", total=None, visible=False)
        self._size = 0

    def sorted(self, size: int, total: int) -> None:
        self._size += size
        self._bar.update(self._sorting, advance=size, total=max(total, self._size))

    def built(self, shards: int) -> None:
        self._bar.update(self._sorting, total=self._size, completed=self._size)
        self._bar.update(self._building, visible=True, total=self._size, advance=self._size / shards)


def _bar(*amounts: ProgressColumn) -> Progress:
    """A bar with columns that tell the amounts done and to do."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), *amounts, TimeElapsedColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
