"""Read all published libraries of a year, and print counts and times.

    python tools/elm_figures.py [CONTENT]

CONTENT defaults to $ECQM_CONTENT, or to .content.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from time import process_time

from ecqm.bundles.content import Content
from ecqm.bundles.content.elm import elm_source
from ecqm.elm import LibraryCollection, LibrarySource, read_head, read_json, read_xml, write_json
from ecqm.elm.nodes import walk

SHARED = ("FHIRHelpers", "QICoreCommon", "CQMCommon")


def seconds_to_read(sources: Iterable[LibrarySource]) -> float:
    start = process_time()
    for source in sources:
        LibrarySource(source.data, source.origin, source.identifier).library  # noqa: B018 (parsed on first use)
    return process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("content", nargs="?", type=Path, default=Path(os.environ.get("ECQM_CONTENT") or ".content"))
    content: Path = parser.parse_args().content
    libraries = Content.open(content / "ecqm-content-qicore-2025", (content / "libraries-2025",)).libraries
    sources = [source for library in libraries if (source := elm_source(library))]

    start = process_time()
    heads = [read_head(source.data) for source in sources]
    print(f"{len(heads)} libraries identified in {process_time() - start:.2f} s, without parsing them")

    size = sum(len(source.data) for source in sources)
    seconds = seconds_to_read(sources)
    trees = [source.library.node for source in sources]
    kinds = Counter(type(node) for tree in trees for node in walk(tree))
    print(f"{size / 1e6:.1f} MB of ELM read in {seconds:.2f} s: {kinds.total():,} nodes of {len(kinds)} types")

    shared = [source for source in sources if source.identifier.name in SHARED]
    size = sum(len(source.data) for source in shared)
    print(f"{', '.join(SHARED)} in all versions ({size / 1e6:.1f} MB): {seconds_to_read(shared) * 1e3:.0f} ms")

    same = sum(read_json(write_json(tree)) == tree for tree in trees)
    print(f"{same} of {len(trees)} libraries are unchanged after writing and reading them")

    both = [(json, xml) for library in libraries if (json := library.elm_json()) and (xml := library.elm_xml())]
    equal = sum(read_json(json) == read_xml(xml) for json, xml in both)
    print(f"{equal} of {len(both)} libraries published as JSON and XML are equal in both")

    collection = LibraryCollection(sources)
    resolved = [collection.resolve(identifier) for identifier in collection.identifiers()]
    most = max(len(one.libraries) for one in resolved)
    print(f"{len(resolved)} of {len(sources)} libraries find all their includes (up to {most} libraries with itself)")


if __name__ == "__main__":
    main()
