"""Compile published CQL and compare the ELM with the ELM published beside it, statement by statement.

    python conformance/elm_equality.py [CONTENT] [--output FILE] [--show NAME] [--limit N]

CONTENT holds the unpacked content (default: $ECQM_CONTENT, else .content). For every library with both a source and
published ELM, local ids, locators, annotations and result types are left out, and what remains is compared. Known
ways in which equal logic is written differently are normalized (elm_forms.py), and the report counts the statements
that needed each normalization. What is left is a difference, shown by the place where the two first differ. Exits with
1 if there are differences, or sources that do not compile.
"""

from __future__ import annotations

import base64
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from content_arguments import folder_parser
from elm_forms import NORMALIZATIONS, Normalizer, first_difference
from reports import write_results

from ecqm.elm import nodes, read_json
from ecqm.language import Compiler, CompilerOptions

CQL_FOLDERS = ("ecqm-content-qicore-2025/input/cql", "libraries-2025/cql")
RESOURCES = "ecqm-content-qicore-2025/input/resources/library"
REFERENCE_ELM = "libraries-2025/elm"
_HEADER = re.compile(r'^\s*library\s+("[^"]+"|[\w.]+)(?:\s+version\s+\'([^\']*)\')?', re.MULTILINE)

Key = tuple[str, str | None]


def sources(content: Path) -> dict[Key, str]:
    """CQL by name and version of the library."""
    found: dict[Key, str] = {}
    for folder in CQL_FOLDERS:
        for path in sorted((content / folder).glob("*.cql")):
            text = path.read_text(encoding="utf-8-sig")
            match = _HEADER.search(text)
            if match is not None:
                found.setdefault((match[1].strip('"'), match[2]), text)
    return found


def published(content: Path) -> dict[Key, nodes.Library]:
    """Published ELM by name and version of the library."""
    found: dict[Key, nodes.Library] = {}
    for path in sorted((content / RESOURCES).glob("*.json")):
        resource = json.loads(path.read_text(encoding="utf-8"))
        for part in resource.get("content", []):
            if part.get("contentType") == "application/elm+json" and "data" in part:
                library = read_json(base64.b64decode(part["data"]))
                found[library.identifier.id or "", library.identifier.version] = library
    for path in sorted((content / REFERENCE_ELM).glob("*.json")):
        library = read_json(path.read_bytes())
        found.setdefault((library.identifier.id or "", library.identifier.version), library)
    return found


def resolver(known: dict[Key, str]) -> Callable[[str, str | None], str | None]:
    """Finds the source of an included library."""

    def find(name: str, version: str | None) -> str | None:
        if version is None:
            return next((text for (id_, _), text in known.items() if id_ == name), None)
        return known.get((name, version))

    return find


def definitions(library: nodes.Library) -> dict[str, nodes.Node]:
    """Everything a library declares, by a name that says what it is (functions with their operand types)."""
    declared: dict[str, list[Any]] = {
        "using": library.usings,
        "include": library.includes,
        "parameter": library.parameters,
        "codesystem": library.codeSystems,
        "valueset": library.valueSets,
        "code": library.codes,
        "concept": library.concepts,
    }
    found: dict[str, nodes.Node] = {
        f"{kind} {getattr(node, 'name', None) or node.localIdentifier}": node
        for kind, of_kind in declared.items()
        for node in of_kind
    }
    for statement in library.statements:
        name = _signature(statement) if isinstance(statement, nodes.FunctionDef) else statement.name
        found[name] = statement
    return found


def _signature(function: nodes.FunctionDef) -> str:
    types = [
        _NORMALIZED(operand.operandTypeSpecifier or nodes.NamedTypeSpecifier(name=operand.operandType or ""))
        for operand in function.operand
    ]
    return f"function {function.name}{types!r}"


_AS_WRITTEN = Normalizer(frozenset())
_NORMALIZED = Normalizer(frozenset(NORMALIZATIONS))


@dataclass
class Report:
    """What the comparison found: `needed` counts the statements that needed a normalization, `kinds` the differences of
    a kind."""

    libraries: int = 0
    equal_libraries: int = 0
    statements: int = 0
    equal: int = 0
    identical: int = 0
    needed: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    differences: list[dict[str, str]] = field(default_factory=list)

    def compare(self, name: str, ours: nodes.Library, theirs: nodes.Library) -> None:
        """Compare one library with its published form."""
        known = len(self.differences)
        our_definitions, their_definitions = definitions(ours), definitions(theirs)
        for key, published in their_definitions.items():
            self.statements += 1
            compiled = our_definitions.pop(key, None)
            if compiled is None:
                self._differs(name, key, "missing from ours", "", None, published)
            else:
                self._compare_definition(name, key, compiled, published)
        for key, compiled in our_definitions.items():
            self._differs(name, key, "only in ours", "", compiled, None)
        self.libraries += 1
        self.equal_libraries += len(self.differences) == known

    def _compare_definition(self, library: str, key: str, ours: nodes.Node, theirs: nodes.Node) -> None:
        difference = first_difference(_NORMALIZED(ours), _NORMALIZED(theirs))
        if difference is not None:
            path, our_part, their_part = difference
            kind = f"{_head(our_part)} for {_head(their_part)} in {path.rpartition('/')[2]}"
            self._differs(library, key, kind, path, our_part, their_part)
            return
        self.equal += 1
        if _AS_WRITTEN(ours) == _AS_WRITTEN(theirs):
            self.identical += 1
            return
        for normalization in NORMALIZATIONS:
            without = Normalizer(frozenset(NORMALIZATIONS) - {normalization})
            self.needed[normalization] += without(ours) != without(theirs)

    def _differs(self, library: str, key: str, kind: str, path: str, ours: Any, theirs: Any) -> None:
        self.kinds[kind] += 1
        self.differences.append(
            {
                "library": library,
                "definition": key[:120],
                "kind": kind,
                "path": path,
                "ours": repr(ours)[:1500],
                "published": repr(theirs)[:1500],
            }
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "libraries": {"compared": self.libraries, "equal": self.equal_libraries},
            "statements": {"compared": self.statements, "equal": self.equal, "identical": self.identical},
            "normalizations": dict(+self.needed),
            "kinds": dict(self.kinds.most_common()),
            "differences": self.differences,
        }


def _head(part: Any) -> str:
    if isinstance(part, tuple) and part and isinstance(part[0], str):
        return part[0]
    return repr(part)[:40]


def run(content: Path) -> tuple[Report, dict[str, list[str]], float]:
    """Compile everything, compare what is published; also the errors by library, and the seconds of compilation."""
    known = sources(content)
    compiler = Compiler(resolver(known), CompilerOptions())
    started = time.perf_counter()
    compiled = {key: compiler.library(*key) for key in known}
    seconds = time.perf_counter() - started
    errors = {
        key[0]: [found.render() for found in compilation.errors]
        for key, compilation in compiled.items()
        if compilation is not None and compilation.errors
    }
    report = Report()
    for key, theirs in published(content).items():
        compilation = compiled.get(key)
        if compilation is not None:
            report.compare(f"{key[0]} {key[1]}", compilation.library, theirs)
    return report, errors, seconds


def main() -> None:
    parser = folder_parser(__doc__)
    parser.add_argument("--output", type=Path, help="write the report as JSON")
    parser.add_argument("--limit", type=int, default=20, help="how many differences to show")
    parser.add_argument("--show", help="show only differences whose kind, library or definition contains this")
    arguments = parser.parse_args()
    report, errors, seconds = run(arguments.content)
    print(f"libraries  {report.equal_libraries} of {report.libraries} equal")
    print(f"statements {report.equal} of {report.statements} equal ({report.identical} without normalizing)")
    print(f"compiled in {seconds:.1f} s; libraries with errors: {len(errors)}")
    for name, count in (+report.needed).most_common():
        print(f"  {count:5}  needed: {name} ({NORMALIZATIONS[name]})")
    for kind, count in report.kinds.most_common(arguments.limit):
        print(f"  {count:5}  differs: {kind}")
    shown = [d for d in report.differences if arguments.show and arguments.show in "|".join(d.values())]
    for difference in shown[: arguments.limit]:
        print(json.dumps(difference, indent=1))
    write_results(arguments.output, report.to_json() | {"seconds": round(seconds, 2), "errors": errors})
    sys.exit(1 if errors or report.differences else 0)


if __name__ == "__main__":
    main()
