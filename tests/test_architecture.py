"""Keeps the packages in their layers and the modules readable; docs/architecture.md says what each is for."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "ecqm"

# A package imports from packages before it only.
LAYERS = (
    "types",
    "values",
    "kernels",
    "columns",
    "operators",
    "elm",
    "models",
    "language",
    "terminology",
    "data",
    "plan",
    "engine",
    "measures",
    "bundles",
    "reporting",
    "expressions",
    "cluster",
    "api",
    "server",
    "cli",
)

# So does a part of a package, of those that have parts.
PARTS = {
    "measures": ("definition", "scoring", "evaluation", "results", "decks", "explanation"),
    "bundles": ("content", "specifications", "evaluation", "decks", "packages"),
    "reporting": ("notation", "tables", "requirements", "results", "explanations", "decks", "html", "submissions"),
    "data": (
        "problems",
        "allocation",
        "writing",
        "fhir",
        "files",
        "cohort",
        "reading",
        "qdm",
        "store",
        "parsing",
        "loading",
        "overlap",
        "source",
    ),
}

# What the order alone would allow, but must not be.
FORBIDDEN = {
    "kernels": frozenset(LAYERS),  # array functions that know no CQL
    "elm": frozenset({"values", "kernels", "columns", "operators"}),
    "models": frozenset({"values", "kernels", "columns", "operators"}),
    "language": frozenset({"kernels", "columns", "operators"}),  # the compiler evaluates nothing
    "terminology": frozenset({"operators", "language"}),
    "data": frozenset({"operators", "elm", "language"}),
    "plan": frozenset({"language", "data"}),
    "engine": frozenset({"language", "elm"}),  # the executor knows plans, not the nodes they came from
    "measures": frozenset({"language", "operators"}),
}

LONGEST_MODULE = 400
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc"}


def is_generated(path: Path) -> bool:
    return "generated" in path.parts


def modules(*folders: Path) -> list[Path]:
    return sorted(path for folder in folders for path in folder.rglob("*.py") if not is_generated(path))


def imported(path: Path) -> Iterator[tuple[str, int]]:
    """Every module that a file imports, wherever in the file, with the line."""
    package = path.relative_to(ROOT / "src").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            name = ".".join((*base, *([node.module] if node.module else [])))
            yield name, node.lineno
            if name == "ecqm":
                yield from ((f"ecqm.{alias.name}", node.lineno) for alias in node.names)


def packages() -> list[str]:
    return sorted(path.name for path in PACKAGE.iterdir() if any(path.rglob("*.py")))


def test_every_package_has_its_layer() -> None:
    assert set(packages()) <= set(LAYERS)


@pytest.mark.parametrize("package", packages())
def test_imports_go_down(package: str) -> None:
    allowed = set(LAYERS[: LAYERS.index(package)]) - FORBIDDEN.get(package, frozenset()) | {package}
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in modules(PACKAGE / package)
        for name, line in imported(path)
        if name.startswith("ecqm.") and name.split(".")[1] in LAYERS and name.split(".")[1] not in allowed
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("package", PARTS)
def test_imports_between_parts_go_down(package: str) -> None:
    parts = PARTS[package]
    found = {Path(path.relative_to(PACKAGE / package).parts[0]).stem for path in modules(PACKAGE / package)}
    assert found == {"__init__", *parts}
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for place, part in enumerate(parts)
        for path in modules(PACKAGE / package / part) or [PACKAGE / package / f"{part}.py"]
        for name, line in imported(path)
        if f"{name}.".startswith(f"ecqm.{package}.") and (*name.split("."), "")[2] not in parts[: place + 1]
    ]
    assert not wrong, "\n".join(wrong)


def test_scores_are_made_of_arrays_alone() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in modules(PACKAGE / "measures" / "scoring")
        for name, line in imported(path)
        if name.startswith("ecqm.") and name.split(".")[1] not in ("values", "kernels", "measures")
    ]
    assert not wrong, "\n".join(wrong)


def test_modules_beside_the_packages_serve_all_of_them() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in PACKAGE.glob("*.py")
        if path.stem not in ("__init__", "__main__")
        for name, line in imported(path)
        if name.startswith("ecqm")
    ]
    assert not wrong, "\n".join(wrong)


def test_kernels_need_numpy_alone() -> None:
    foreign = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in modules(PACKAGE / "kernels")
        for name, line in imported(path)
        if name.split(".")[0] in {"pyarrow", "msgspec", "lxml", "click", "rich", "antlr4"}
    ]
    assert not foreign, "\n".join(foreign)


def test_modules_can_be_read_in_a_sitting() -> None:
    everything = modules(*(ROOT / name for name in ("src", "tests", "tools", "conformance", "measure_bundles")))
    lengths = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in everything}
    assert not {name: n for name, n in lengths.items() if n > LONGEST_MODULE}


def test_modules_are_named_for_what_they_hold() -> None:
    named = {path.stem for path in modules(PACKAGE)} | {path.parent.name for path in modules(PACKAGE)}
    assert not named & NAMES_THAT_SAY_NOTHING


def test_tests_mirror_the_packages() -> None:
    folders = {path.parent.relative_to(ROOT / "tests") for path in (ROOT / "tests").rglob("test_*.py")}
    own = {Path(), Path("conformance"), Path("tools")}  # tests of the whole, and of what is beside the package
    assert not {folder for folder in folders - own if not (PACKAGE / folder).is_dir()}
    assert not {package for package in packages() if not (ROOT / "tests" / package).is_dir()}


def test_modules_say_what_they_are() -> None:
    of_tests = [path for path in modules(ROOT / "tests") if path.name.startswith("test_")]
    silent = [
        str(path.relative_to(ROOT))
        for path in [*modules(PACKAGE), *of_tests]
        if path.read_text("utf-8").strip() and not ast.get_docstring(ast.parse(path.read_text("utf-8")))
    ]
    assert not silent
