"""Command-line arguments of runners, most of them about published content."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from ecqm.bundles.content import Content
from ecqm.bundles.content.documents import ContentError
from ecqm.bundles.evaluation.selection import Selection, select


def runner_parser(about: str | None) -> argparse.ArgumentParser:
    """A parser without arguments; its help text is the docstring of the runner."""
    return argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)


def content_parser(about: str | None) -> argparse.ArgumentParser:
    """A parser for CONTENT --libraries DIR… --valuesets DIR…"""
    parser = runner_parser(about)
    parser.add_argument("content", type=Path)
    parser.add_argument("--libraries", type=Path, action="append", default=[])
    parser.add_argument("--valuesets", type=Path, action="append", default=[])
    return parser


def folder_parser(about: str | None) -> argparse.ArgumentParser:
    """A parser for [CONTENT], the folder that has all published content; by default $ECQM_CONTENT or .content."""
    parser = runner_parser(about)
    parser.add_argument("content", nargs="?", default=os.environ.get("ECQM_CONTENT", ".content"), type=Path)
    return parser


def content_options(options: argparse.Namespace) -> list[str]:
    """CONTENT --libraries DIR… --valuesets DIR… again, for other programs; the paths are absolute."""
    words = [str(options.content.absolute())]
    for name in ("libraries", "valuesets"):
        for folder in getattr(options, name):
            words += (f"--{name}", str(folder.absolute()))
    return words


def opened(options: argparse.Namespace) -> Content:
    """The content in the arguments. Exits with 2, as for wrong arguments, if there is none."""
    try:
        return Content.open(options.content, options.libraries, options.valuesets)
    except ContentError as error:
        print(error, file=sys.stderr)
        sys.exit(2)


def selected(content: Content) -> Selection:
    """All measures of a content, planned together."""
    return select(content, content.select(()))
