"""Read every published library in a folder of content, and print what was read and how long it took.

    python tools/elm_figures.py [CONTENT]

CONTENT is $ECQM_CONTENT or .content when not given.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from pathlib import Path

from ecqm.elm import (
    ELM_JSON,
    ELM_XML,
    LibraryCollection,
    LibrarySource,
    fhir_library_source,
    folder_sources,
    read_json,
    write_json,
)
from ecqm.elm.nodes import walk

SHARED = ("FHIRHelpers", "QICoreCommon", "CQMCommon")


def seconds_to_read(sources: list[LibrarySource]) -> float:
    start = time.perf_counter()
    for source in sources:
        LibrarySource(source.data, source.origin).library  # noqa: B018 (parsed on first use)
    return time.perf_counter() - start


def main() -> None:
    content = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("ECQM_CONTENT") or ".content")
    resources = content / "ecqm-content-qicore-2025" / "input" / "resources" / "library"
    start = time.perf_counter()
    sources = [*folder_sources(resources), *folder_sources(content / "libraries-2025" / "elm")]
    print(f"{len(sources)} libraries identified in {time.perf_counter() - start:.2f} s, none parsed")

    size = sum(len(source.data) for source in sources)
    seconds = seconds_to_read(sources)
    trees = [source.library.node for source in sources]
    kinds = Counter(type(node) for tree in trees for node in walk(tree))
    print(f"{size / 1e6:.1f} MB of JSON read in {seconds:.2f} s: {kinds.total():,} nodes of {len(kinds)} types")

    shared = [source for source in sources if source.identifier.name in SHARED]
    size = sum(len(source.data) for source in shared)
    print(f"{', '.join(SHARED)} in all versions ({size / 1e6:.1f} MB): {seconds_to_read(shared) * 1e3:.0f} ms")

    same = sum(read_json(write_json(tree)) == tree for tree in trees)
    print(f"{same} of {len(trees)} are themselves after being written and read back")

    equal = pairs = 0
    for path in sorted(resources.glob("*.json")):
        both = [fhir_library_source(path.read_bytes(), path.name, (kind,)) for kind in (ELM_JSON, ELM_XML)]
        if both[0] and both[1]:
            pairs += 1
            equal += both[0].library.node == both[1].library.node
    print(f"{equal} of {pairs} libraries published as JSON and XML are one tree")

    collection = LibraryCollection(sources)
    resolved = [collection.resolve(identifier) for identifier in collection.identifiers()]
    most = max(len(one.libraries) for one in resolved)
    print(f"{len(resolved)} of {len(sources)} find all that they include ({most} libraries at most, itself included)")


if __name__ == "__main__":
    main()
