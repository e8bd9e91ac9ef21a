"""Compile published CQL and compare the ELM with the ELM published beside it, statement by statement.

    python conformance/elm_equality.py [CONTENT] [--output FILE] [--show NAME] [--limit N]

CONTENT holds the unpacked content (default: $ECQM_CONTENT, else .content). For every library with both a source and
published ELM, local ids, locators, annotations and result types are left out, and what remains is compared. Known
ways in which equal logic is written differently are evened out one by one; each has a name below, and the report
counts the statements that needed it. What is left is a difference, shown by the place where the two first differ.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ecqm.elm import nodes, read_json
from ecqm.elm.nodes.base import fields
from ecqm.language import Compiler, CompilerOptions

CQL_FOLDERS = ("ecqm-content-qicore-2025/input/cql", "libraries-2025/cql")
RESOURCES = "ecqm-content-qicore-2025/input/resources/library"
REFERENCE_ELM = "libraries-2025/elm"
_HEADER = re.compile(r'^\s*library\s+("[^"]+"|[\w.]+)(?:\s+version\s+\'([^\']*)\')?', re.MULTILINE)

Form = tuple[Any, ...]
Key = tuple[str, str | None]

NORMALISATIONS = {
    "signatures": "an operator or call records the operand types of its overload, or does not",
    "choice order": "the alternatives of a choice type are a set",
    "union order": "nested unions of lists are one union of all their operands, in any order",
    "alias access": "an element of an alias by `scope`, or by a source that is an AliasRef",
    "null cast": "a null is cast to the type wanted of it, or left bare",
    "named cast": "As and Is name their type in an attribute, or in a specifier",
    "include path": "a library is included by its name, or by its name and namespace",
    "alias names": "a query that the translator makes up names its aliases in its own way",
    "value set twice": "a value set is given once, or once more as an expression",
    "point promotion": "a point is compared with an interval as it is, or made an interval of itself first",
    "interval folding": "a bound of an interval that was just selected is taken from the selector",
    "case order": "the items of a Case that tests types, in any order",
}


# ---------------------------------------------------------------------------------------------- canonical forms


@dataclass
class Canon:
    """Turns nodes into comparable forms, with some normalisations in force."""

    enabled: frozenset[str]
    aliases: list[dict[str, str]] = field(default_factory=list)

    def __call__(self, node: Any) -> Any:
        if isinstance(node, nodes.Node):
            return self.node(node)
        if isinstance(node, list):
            return tuple(self(part) for part in node)
        return node

    def node(self, node: nodes.Node) -> Form:
        special: Callable[[Any], Form] | None = getattr(self, f"_{type(node).__name__}", None)
        return special(node) if special is not None else self.plain(node)

    def plain(self, node: nodes.Node, **replaced: Any) -> Form:
        form: list[Any] = [type(node).__name__]
        for declared in fields(type(node)):
            name = declared.name
            if declared.kind == "raw" or name in ("localId", "locator", "resultTypeName", "resultTypeSpecifier"):
                continue
            if name == "signature" and not isinstance(node, nodes.FunctionRef) and "signatures" in self.enabled:
                continue
            value = replaced[name] if name in replaced else getattr(node, name)
            if value is None or value == [] or value == declared.default:
                continue
            form.append((name, self(value)))
        return tuple(form)

    def _ChoiceTypeSpecifier(self, node: nodes.ChoiceTypeSpecifier) -> Form:
        parts = [self(part) for part in (node.choice)]
        if "choice order" in self.enabled:
            parts = sorted(set(parts), key=repr)
        return ("ChoiceTypeSpecifier", tuple(parts))

    def _If(self, node: nodes.If) -> Any:
        if "point promotion" in self.enabled and isinstance(node.condition, nodes.IsNull):
            interval = node.else_
            if isinstance(interval, nodes.Interval) and isinstance(node.then, nodes.Null):
                low, high, tested = self(interval.low), self(interval.high), self(node.condition.operand)
                if low == high == tested:
                    return self(interval.low)
        return self.plain(node)

    def _Interval(self, node: nodes.Interval) -> Form:
        if "interval folding" not in self.enabled:
            return self.plain(node)
        replaced: dict[str, Any] = {}
        for name in ("lowClosed", "highClosed"):
            closed = getattr(node, f"{name}Expression")
            if isinstance(closed, nodes.Property) and isinstance(closed.source, nodes.Interval):
                replaced[name] = getattr(closed.source, name)
                replaced[f"{name}Expression"] = None
        return self.plain(node, **replaced)

    def _Property(self, node: nodes.Property) -> Any:
        if "interval folding" in self.enabled and isinstance(node.source, nodes.Interval):
            bound = getattr(node.source, node.path) if node.path in ("low", "high") else None
            if bound is not None:
                return self(bound)
        if "alias access" in self.enabled and isinstance(node.source, nodes.AliasRef):
            return self.plain(node, source=None, scope=self._alias(node.source.name))
        return self.plain(node, scope=None if node.scope is None else self._alias(node.scope))

    def _alias(self, name: str) -> str:
        for scope in reversed(self.aliases):
            if name in scope:
                return scope[name]
        return name

    def _AliasRef(self, node: nodes.AliasRef) -> Form:
        return self.plain(node, name=self._alias(node.name))

    def _AliasedQuerySource(self, node: nodes.AliasedQuerySource) -> Form:
        return self.plain(node, alias=self._alias(node.alias))

    _With = _Without = _AliasedQuerySource

    def _Query(self, node: nodes.Query) -> Form:
        if "alias names" not in self.enabled:
            return self.plain(node)
        names = [source.alias for source in (*node.source, *node.relationship)]
        depth = len(self.aliases)
        self.aliases.append({name: f"{depth}.{at}" for at, name in enumerate(names)})
        try:
            return self.plain(node)
        finally:
            self.aliases.pop()

    def _InValueSet(self, node: nodes.InValueSet) -> Form:
        if "value set twice" in self.enabled and node.valueset is not None:
            return self.plain(node, valuesetExpression=None)
        return self.plain(node)

    def _Union(self, node: nodes.Union) -> Form:
        if "union order" not in self.enabled:
            return self.plain(node)
        operands = [self(operand) for operand in _union_operands(node)]
        distinct = sorted(set(operands), key=repr)
        return distinct[0] if len(distinct) == 1 else ("Union", tuple(distinct))

    def _As(self, node: nodes.As) -> Any:
        if "null cast" in self.enabled and isinstance(node.operand, nodes.Null):
            return ("Null",)
        if "named cast" in self.enabled and node.asType is not None:
            return self.plain(node, asType=None, asTypeSpecifier=nodes.NamedTypeSpecifier(name=node.asType))
        return self.plain(node)

    def _Is(self, node: nodes.Is) -> Form:
        if "named cast" in self.enabled and node.isType is not None:
            return self.plain(node, isType=None, isTypeSpecifier=nodes.NamedTypeSpecifier(name=node.isType))
        return self.plain(node)

    def _Null(self, node: nodes.Null) -> Form:
        return ("Null",) if "null cast" in self.enabled else self.plain(node)

    def _IncludeDef(self, node: nodes.IncludeDef) -> Form:
        if "include path" in self.enabled:
            return self.plain(node, path=node.path.rpartition("/")[2])
        return self.plain(node)

    def _Case(self, node: nodes.Case) -> Form:
        items = [self(item) for item in node.caseItem]
        if "case order" in self.enabled and all(isinstance(item.when, nodes.Is) for item in node.caseItem):
            items = sorted(set(items), key=repr)
        return ("Case", self(node.comparand), tuple(items), self(node.else_))


def _union_operands(node: nodes.Expression) -> Iterator[nodes.Expression]:
    """The operands of nested unions of lists; casts to lists of choices, which only serve the union, are left out."""
    if isinstance(node, nodes.Union):
        for operand in node.operand:
            yield from _union_operands(operand)
    elif isinstance(node, nodes.As) and _is_list_of_choice(node.asTypeSpecifier):
        yield from _union_operands(node.operand)
    else:
        yield node


def _is_list_of_choice(specifier: nodes.TypeSpecifier | None) -> bool:
    return isinstance(specifier, nodes.ListTypeSpecifier) and isinstance(
        specifier.elementType, nodes.ChoiceTypeSpecifier
    )


def first_difference(ours: Any, theirs: Any, path: str = "") -> tuple[str, Any, Any] | None:
    """Where two forms first differ: (path, ours, theirs)."""
    if ours == theirs:
        return None
    if isinstance(ours, tuple) and isinstance(theirs, tuple) and ours and theirs:
        if isinstance(ours[0], str) and isinstance(theirs[0], str):
            if ours[0] != theirs[0]:
                return path, ours, theirs
            path = f"{path}/{ours[0]}"
        if len(ours) == len(theirs):
            for ours_part, theirs_part in zip(ours, theirs, strict=True):
                found = first_difference(ours_part, theirs_part, path)
                if found is not None:
                    return found
    return path, ours, theirs


# ---------------------------------------------------------------------------------------------- content


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


# ---------------------------------------------------------------------------------------------- comparison


def definitions(library: nodes.Library) -> dict[str, nodes.Node]:
    """Everything a library declares, by a name that says what it is (functions with their operand types)."""
    found: dict[str, nodes.Node] = {}
    declared: tuple[tuple[str, list[Any]], ...] = (
        ("using", library.usings),
        ("include", library.includes),
        ("parameter", library.parameters),
        ("codesystem", library.codeSystems),
        ("valueset", library.valueSets),
        ("code", library.codes),
        ("concept", library.concepts),
    )
    for kind, group in declared:
        for node in group:
            found[f"{kind} {getattr(node, 'name', None) or node.localIdentifier}"] = node
    canon = Canon(frozenset(NORMALISATIONS))
    for statement in library.statements:
        name = statement.name
        if isinstance(statement, nodes.FunctionDef):
            operands = [
                canon(operand.operandTypeSpecifier or nodes.NamedTypeSpecifier(name=operand.operandType or ""))
                for operand in statement.operand
            ]
            name = f"function {name}{operands!r}"
        found[name] = statement
    return found


@dataclass
class Report:
    """What the comparison found."""

    libraries: int = 0
    equal_libraries: int = 0
    statements: int = 0
    equal: int = 0
    identical: int = 0
    needed: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    differences: list[dict[str, str]] = field(default_factory=list)


def compare(name: str, ours: nodes.Library, theirs: nodes.Library, report: Report) -> None:
    """Compare one library with its published form."""
    report.libraries += 1
    our_definitions, their_definitions = definitions(ours), definitions(theirs)
    different = False
    everything = frozenset(NORMALISATIONS)
    for key, their_node in their_definitions.items():
        report.statements += 1
        our_node = our_definitions.pop(key, None)
        if our_node is None:
            different = True
            _record(report, name, key, "missing from ours", "", None, their_node)
            continue
        if Canon(frozenset())(our_node) == Canon(frozenset())(their_node):
            report.identical += 1
            report.equal += 1
            continue
        canon = Canon(everything)
        our_form, their_form = canon(our_node), canon(their_node)
        if our_form == their_form:
            report.equal += 1
            for normalisation in NORMALISATIONS:
                without = Canon(everything - {normalisation})
                if without(our_node) != without(their_node):
                    report.needed[normalisation] += 1
            continue
        different = True
        found = first_difference(our_form, their_form)
        assert found is not None
        path, our_part, their_part = found
        kind = f"{_head(our_part)} for {_head(their_part)} in {path.rpartition('/')[2]}"
        _record(report, name, key, kind, path, our_part, their_part)
    for key, our_node in our_definitions.items():
        different = True
        _record(report, name, key, "only in ours", "", our_node, None)
    report.equal_libraries += not different


def _head(part: Any) -> str:
    if isinstance(part, tuple) and part and isinstance(part[0], str):
        return part[0]
    return repr(part)[:40]


def _record(report: Report, library: str, key: str, kind: str, path: str, ours: Any, theirs: Any) -> None:
    report.kinds[kind] += 1
    report.differences.append(
        {
            "library": library,
            "definition": key[:120],
            "kind": kind,
            "path": path,
            "ours": repr(ours)[:1500],
            "published": repr(theirs)[:1500],
        }
    )


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
            compare(f"{key[0]} {key[1]}", compilation.library, theirs, report)
    return report, errors, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("content", nargs="?", default=os.environ.get("ECQM_CONTENT", ".content"), type=Path)
    parser.add_argument("--output", type=Path, help="write the report as JSON")
    parser.add_argument("--limit", type=int, default=20, help="how many differences to show")
    parser.add_argument("--show", help="show only differences whose kind, library or definition contains this")
    arguments = parser.parse_args()
    report, errors, seconds = run(arguments.content)
    print(f"libraries  {report.equal_libraries} of {report.libraries} equal")
    print(f"statements {report.equal} of {report.statements} equal ({report.identical} without normalising)")
    print(f"compiled in {seconds:.1f} s; libraries with errors: {len(errors)}")
    for name, count in report.needed.most_common():
        print(f"  {count:5}  needed: {name} ({NORMALISATIONS[name]})")
    for kind, count in report.kinds.most_common(arguments.limit):
        print(f"  {count:5}  differs: {kind}")
    shown = [d for d in report.differences if arguments.show and arguments.show in "|".join(d.values())]
    for difference in shown[: arguments.limit]:
        print(json.dumps(difference, indent=1))
    if arguments.output is not None:
        document = {
            "libraries": {"compared": report.libraries, "equal": report.equal_libraries},
            "statements": {
                "compared": report.statements,
                "equal": report.equal,
                "identical": report.identical,
            },
            "seconds": round(seconds, 2),
            "errors": errors,
            "normalisations": dict(report.needed),
            "kinds": dict(report.kinds.most_common()),
            "differences": report.differences,
        }
        arguments.output.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    sys.exit(1 if errors else 0)


if __name__ == "__main__":
    main()
