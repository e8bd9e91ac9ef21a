"""What all tests share: where published content is said to be, and how property tests are timed."""

from __future__ import annotations

import pytest
from hypothesis import settings

from tests.content import CONTENT

# A busy machine is not a slow function; the tests that have a limit of time measure it themselves.
settings.register_profile("ecqm", deadline=None)
settings.load_profile("ecqm")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line that tells whether the tests against published content had it."""
    at_hand = sorted(path.name for path in CONTENT.iterdir() if path.is_dir()) if CONTENT.is_dir() else []
    if at_hand:
        terminalreporter.write_line(f"published content: {', '.join(at_hand)}")
    else:
        terminalreporter.write_line("published content: not at hand ($ECQM_CONTENT or .content), its tests are skipped")
