"""Links, scripts and commands in the documents exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ecqm.cli.main import COMMANDS

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *ROOT.glob("conformance/**/*.md"),
                *(ROOT / "measure_bundles").glob("*.md"), *(ROOT / "tools").glob("*.md")])  # fmt: skip
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
COMMAND = re.compile(r"^ {4,}ecqm ([a-z]+)", re.MULTILINE)
SCRIPT = re.compile(r"\b((?:conformance|tools|measure_bundles)/[\w/]+\.py)\b")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_names_exists(page: Path) -> None:
    text = page.read_text("utf-8")
    assert not [link for link in LINK.findall(text) if not (page.parent / link).exists()]
    assert not [script for script in SCRIPT.findall(text) if not (ROOT / script).is_file()]
    assert not set(COMMAND.findall(text)) - set(COMMANDS)
