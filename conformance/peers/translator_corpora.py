"""The CQL that both translators compile.

A corpus is a list of sources, compiled with one set of options. Every definition begins on a line of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from translator_matrix import TERMINOLOGY, matrix, timing
from translator_promotions import overloads, parameters, places

from ecqm.cli.conformance.suite import read_suite
from ecqm.language import CompilerOptions
from ecqm.language.conversions import NO_PROMOTIONS, Promotions

OWN = Path(__file__).parent / "reference_translator" / "corpus"
PUBLISHED_CQL = ("ecqm-content-qicore-2025/input/cql", "libraries-2025/cql")
PROMOTIONS = Promotions(True, True, True, True)
# Promotions and demotions by the names of corpora. Those of lists and those of intervals are allowed apart: with both,
# many calls have several meanings.
LISTS = Promotions(list_promotion=True, list_demotion=True)
INTERVALS = Promotions(interval_promotion=True, interval_demotion=True)
PARAMETERS = {
    "parameters": NO_PROMOTIONS,
    "parameters-list-promotion": Promotions(list_promotion=True),
    "parameters-list-demotion": Promotions(list_demotion=True),
    "parameters-interval-promotion": Promotions(interval_promotion=True),
    "parameters-interval-demotion": Promotions(interval_demotion=True),
}
CALLS = {"": NO_PROMOTIONS, "-lists": LISTS, "-intervals": INTERVALS}
_CASE = re.compile(r"^// ----$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Source:
    """One library; `name` is the stem of its file."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Corpus:
    """Sources to compile, and the options to compile them with.

    In a corpus of `cases`, a source counts as one definition: it is refused if any part of it is.
    """

    name: str
    sources: Sequence[Source]
    options: CompilerOptions = field(default_factory=lambda: CompilerOptions(locators=True))
    cases: bool = False


def included_sources(content: Path) -> list[Path]:
    """The files that libraries may include."""
    return [*published_sources(content), OWN / "CorpusShared.cql"]


def published_sources(content: Path) -> list[Path]:
    """All published CQL files."""
    return [path for folder in PUBLISHED_CQL for path in sorted((content / folder).glob("*.cql"))]


def suite(content: Path) -> Iterator[Source]:
    """Every expression of the HL7 suite as a library of its own, because some are not even CQL."""
    for at, test in enumerate(read_suite(content / "cql-tests" / "tests" / "cql")):
        name = re.sub(r"\W+", "_", f"{test.file.removesuffix('.xml')}_{test.group}_{test.name}")
        yield Source(f"{name}_{at}", f'library Suite\n\ndefine "{test.name}":\n  {test.expression}\n')


def own_libraries() -> Iterator[Source]:
    """The libraries of the project's own corpus."""
    for path in sorted(OWN.glob("*.cql")):
        yield Source(path.stem, path.read_text(encoding="utf-8"))


def own_cases() -> Iterator[Source]:
    """What is written to be refused, or nearly: libraries divided by `// ----`, and expressions, one on a line."""
    cases = OWN / "cases"
    for at, text in enumerate(_CASE.split((cases / "libraries.cql").read_text(encoding="utf-8"))):
        yield Source(f"library {at + 1}", text.removeprefix("\n"))
    for line in (cases / "expressions.txt").read_text(encoding="utf-8").splitlines():
        yield Source(line, f"library Cases\n{TERMINOLOGY}define x: {line}\n")


def sources(generated: Iterator[tuple[str, str]]) -> list[Source]:
    """The sources of a generated corpus."""
    return [Source(name, text) for name, text in generated]


def corpora(content: Path) -> list[Corpus]:
    """All corpora, in the order of the report."""
    promoting = _promoting(PROMOTIONS)
    own = list(own_libraries())
    cases = list(own_cases())
    published = [Source(path.stem, path.read_text(encoding="utf-8-sig")) for path in published_sources(content)]
    return [
        Corpus("suite", list(suite(content))),
        Corpus("operators", sources(matrix())),
        Corpus("timing", sources(timing())),
        *(Corpus(name, sources(parameters()), _promoting(allowed)) for name, allowed in PARAMETERS.items()),
        *(Corpus(f"overloads{name}", sources(overloads()), _promoting(allowed)) for name, allowed in CALLS.items()),
        *(Corpus(f"places{name}", sources(places()), _promoting(allowed)) for name, allowed in CALLS.items()),
        Corpus("own", own),
        Corpus("own-promotions", own, promoting),
        Corpus("cases", cases, cases=True),
        Corpus("published", published),
        Corpus("published-promotions", published, promoting),
    ]


def _promoting(promotions: Promotions) -> CompilerOptions:
    return CompilerOptions(locators=True, promotions=promotions)
