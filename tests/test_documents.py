"""Links, scripts and commands in the documents exist."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from ecqm.cli.main import COMMANDS, main

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *ROOT.glob("conformance/**/*.md"),
                *(ROOT / "measure_bundles").glob("*.md"), *(ROOT / "tools").glob("*.md")])  # fmt: skip
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
ANCHOR = re.compile(r"\]\((?!https?:)([^)#]*)#([^)]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
COMMAND = re.compile(r"^ {4,}ecqm ((?:.*\\\n)*.*)$", re.MULTILINE)
SCRIPT = re.compile(r"\b((?:conformance|tools|measure_bundles)/[\w/]+\.py)\b")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_names_exists(page: Path) -> None:
    text = page.read_text("utf-8")
    assert not [link for link in LINK.findall(text) if not (page.parent / link).exists()]
    assert not [script for script in SCRIPT.findall(text) if not (ROOT / script).is_file()]
    for command in COMMAND.findall(text):
        name, *words = re.split(r"\s+", command.partition("#")[0])
        assert name in COMMANDS
        wrong = {word for word in words if word.startswith("--")} - options(name)
        assert not wrong, command


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_to_sections_exist(page: Path) -> None:
    for target, section in ANCHOR.findall(page.read_text("utf-8")):
        text = (page.parent / target if target else page).read_text("utf-8")
        assert section in map(section_id, HEADING.findall(text)), section


def test_the_readme_links_to_every_page() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert set(PAGES) - {(ROOT / link).resolve() for link in LINK.findall(text)} == {ROOT / "README.md"}


def section_id(heading: str) -> str:
    """The id that GitHub gives a section."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def options(name: str) -> set[str]:
    """The options of a command, or of all commands of a group."""
    context = click.Context(main)
    command = main.get_command(context, name)
    assert command is not None
    commands = [command]
    if isinstance(command, click.Group):
        commands = [each for sub in command.list_commands(context) if (each := command.get_command(context, sub))]
    return {option for each in commands for parameter in each.params for option in parameter.opts} | {"--help"}
