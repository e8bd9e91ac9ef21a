"""Test cases for commands: where they are, and which measures they are of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import is_zipfile

from ecqm.cli.terminal import warn

if TYPE_CHECKING:
    from ecqm.bundles.content import Content
    from ecqm.bundles.decks.matching import MatchedDeck


@contextmanager
def unarchived(content: Path, tests: Path | None) -> Iterator[tuple[Path, Path | None]]:
    """CONTENT and the value of --tests, with archives that hold cases unpacked for the time of a command."""
    from ecqm.bundles.decks.unpacking import unpacked

    with ExitStack() as archives:
        if tests is not None and (tests.is_dir() or is_zipfile(tests)):
            yield content, archives.enter_context(unpacked(tests, warn))
        elif is_zipfile(content) or (content.is_dir() and not (content / "input").is_dir()):
            yield archives.enter_context(unpacked(content, warn)), tests
        else:
            yield content, tests


@contextmanager
def matched(content: Content, unpacked: Path, tests: Path | None, names: Sequence[str] = ()) -> Iterator[MatchedDeck]:
    """The cases of the measures named, or of all. `unpacked` is where they are unless --tests says otherwise. Cases of
    measures that the content lacks are told to the user. Raises ContentError if there are none."""
    from ecqm.bundles.decks.dealing import dealt
    from ecqm.bundles.decks.matching import folders_of, match_deck

    with dealt(tests or content.tests or unpacked, warn, folders_of(content, names)) as cases:
        deck = match_deck(content, cases, names)
        for folder, named, count in deck.unmatched:
            unknown = f"the content has no measure {named}" if named else "no measure is named by the reports"
            warn(f"{folder}: {unknown} of these {count} cases")
        yield deck
