"""The ELM that ecqm and the reference translator make of a corpus."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elm_equality import resolver
from install import TRANSLATOR_JARS
from translator_corpora import Corpus

from ecqm.elm import ElmError, nodes, read_json
from ecqm.language import Compiler

PROGRAM = Path(__file__).parent / "reference_translator" / "Translate.java"
MEMORY = "-Xmx2g"


@dataclass(frozen=True, slots=True)
class Translation:
    """What a translator made of one source: its definitions, and its errors by line."""

    definitions: Mapping[tuple[int, str], nodes.Node]
    errors: Sequence[tuple[int, str]]


def reference(chosen: Sequence[Corpus], includes: Sequence[Path], folder: Path) -> dict[str, list[Translation]]:
    """What the reference translator makes of the sources of each corpus."""
    included = folder / "includes"
    included.mkdir()
    for path in includes:
        (included / path.name).write_text(path.read_text(encoding="utf-8-sig"), encoding="utf-8")
    jobs: list[str] = []
    for corpus in chosen:
        lines = [json.dumps(source.text) + "\n" for source in corpus.sources]
        (folder / f"{corpus.name}.cql").write_text("".join(lines), encoding="utf-8")
        level, names = corpus.options.signatures.value, corpus.options.names()
        jobs.append(f"{folder}/{corpus.name}.cql={folder}/{corpus.name}.elm={level}={names}")
    command = ["java", MEMORY, "-cp", f"{TRANSLATOR_JARS}/*", str(PROGRAM), str(included), *jobs]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    return {
        corpus.name: list(map(reference_translation, (folder / f"{corpus.name}.elm").open(encoding="utf-8")))
        for corpus in chosen
    }


def reference_translation(line: str) -> Translation:
    """The answer of Translate.java for one source."""
    answer = json.loads(line)
    errors = [(error["line"], error["message"]) for error in answer["errors"]]
    found: dict[tuple[int, str], nodes.Node] = {}
    if "elm" in answer:
        try:
            found = definitions(read_json(json.dumps(_plain(answer["elm"]))))
        except ElmError as error:
            errors.append((0, f"not ELM: {error}"))
    return Translation(found, errors)


def _plain(element: Any) -> Any:
    """ELM without the names of Java classes that the translator's JSON gives to containers."""
    if isinstance(element, list):
        return [_plain(part) for part in element]
    if isinstance(element, dict):
        return {
            key: _plain(part)
            for key, part in element.items()
            if key != "annotation" and not (key == "type" and isinstance(part, str) and "$" in part)
        }
    return element


def ours(corpus: Corpus, includes: Mapping[tuple[str, str | None], str]) -> Iterator[Translation]:
    """What ecqm makes of the sources of a corpus."""
    compiler = Compiler(resolver(dict(includes)), corpus.options)
    for source in corpus.sources:
        compilation = compiler.compile_library(source.text)
        errors = [(error.span.line, error.message) for error in compilation.errors]
        yield Translation(definitions(compilation.library), errors)


def definitions(library: nodes.Library) -> dict[tuple[int, str], nodes.Node]:
    """What a library declares, by the line on which it begins and its name."""
    declared: list[Any] = [
        *library.usings, *library.includes, *library.parameters, *library.codeSystems, *library.valueSets,
        *library.codes, *library.concepts, *library.statements,
    ]  # fmt: skip
    return {
        (int(node.locator.partition(":")[0]), getattr(node, "name", None) or node.localIdentifier or ""): node
        for node in declared
        if node.locator
    }
