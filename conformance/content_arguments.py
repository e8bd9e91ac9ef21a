"""The command-line arguments for published content, shared by most runners."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ecqm.bundles.content import Content
from ecqm.bundles.content.documents import ContentError
from ecqm.bundles.evaluation.selection import Selection, select


def content_parser(about: str | None) -> argparse.ArgumentParser:
    """A parser for CONTENT --libraries DIR… --valuesets DIR…; its help text is the docstring of the runner."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("content", type=Path)
    parser.add_argument("--libraries", type=Path, action="append", default=[])
    parser.add_argument("--valuesets", type=Path, action="append", default=[])
    return parser


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
