"""Compile the CQL of a content folder and write its Library resources.

    python measure_bundles/build_libraries.py measure_bundles/sample

Each library in `input/cql` becomes `input/resources/library/<name>.json` with its CQL and ELM, as in published content.
"""

from __future__ import annotations

import argparse
import base64
import json
import sys
from pathlib import Path

from ecqm.elm import write_json
from ecqm.language import Compiler, CompilerOptions

CANONICAL = "https://ecqm.example/Library"
OPTIONS = CompilerOptions(annotations=True, locators=True)


def library_resource(source: str, compiler: Compiler, path: Path) -> str:
    """The Library resource of a source, as JSON. Exits with the errors if the source does not compile."""
    compilation = compiler.compile_library(source)
    if not compilation.ok:
        sys.exit("\n".join(error.render(str(path)) for error in compilation.errors))
    identifier = compilation.library.identifier
    content = [("text/cql", source.encode()), ("application/elm+json", write_json(compilation.library))]
    resource = {
        "resourceType": "Library",
        "id": identifier.id,
        "url": f"{CANONICAL}/{identifier.id}",
        "version": identifier.version,
        "name": identifier.id,
        "status": "active",
        "experimental": True,
        "type": {
            "coding": [
                {"system": "http://terminology.hl7.org/CodeSystem/library-type", "code": "logic-library"},
            ]
        },
        "content": [{"contentType": kind, "data": base64.b64encode(data).decode()} for kind, data in content],
    }
    return json.dumps(resource, indent=2) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("content", type=Path)
    arguments = parser.parse_args()
    sources = {path.stem: path for path in sorted((arguments.content / "input/cql").glob("*.cql"))}

    def resolve(name: str, version: str | None) -> str | None:
        return sources[name].read_text("utf-8") if name in sources else None

    compiler = Compiler(resolve, OPTIONS)
    folder = arguments.content / "input/resources/library"
    folder.mkdir(parents=True, exist_ok=True)
    for name, path in sources.items():
        (folder / f"{name}.json").write_text(library_resource(path.read_text("utf-8"), compiler, path), "utf-8")
    print(f"{len(sources)} libraries written")


if __name__ == "__main__":
    main()
