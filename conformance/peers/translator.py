"""Compile the same CQL with ecqm and with the reference translator, and compare the ELM definition by definition.

    python conformance/peers/translator.py [CONTENT] [--corpus NAME]... [--output FILE] [--show TEXT] [--limit N]

CONTENT holds the unpacked content (default: $ECQM_CONTENT, else .content). The corpora are those of
translator_corpora.py. A definition is equal if both translators refuse it, or both accept it and the ELM is equal after
the normalizations of elm_forms.py. reference_translator/differences.toml lists known differences with the reasons.
Exits with 1 if a difference is not listed, or a listed one no longer occurs.
"""

from __future__ import annotations

import re
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from content_arguments import folder_parser
from elm_forms import NORMALIZATIONS, Normalizer, first_difference
from reports import write_results
from translations import Translation, ours, reference
from translator_corpora import Corpus, Source, corpora, included_sources

from ecqm.elm import nodes
from ecqm.language.sources import library_header

DIFFERENCES = Path(__file__).parent / "reference_translator" / "differences.toml"
_START = re.compile(
    r"^[ \t]*(?P<define>define)\b(?:\s+(?:public|private|fluent|function)\b)*\s*"
    r'(?P<name>"(?:[^"\\]|\\.)*"|`[^`]*`|\w*)',
    re.MULTILINE,
)
_FORM = Normalizer(frozenset(NORMALIZATIONS))


@dataclass(frozen=True, slots=True)
class Difference:
    """One definition of which the translators make different things; `kind` says in which way."""

    corpus: str
    source: str
    definition: str
    kind: str
    path: str
    ours: str
    theirs: str

    @property
    def place(self) -> str:
        return f"{self.corpus}/{self.source}:{self.definition}"


@dataclass
class Tally:
    """The counts of one corpus."""

    definitions: int = 0
    equal: int = 0
    refused: int = 0
    differences: list[Difference] = field(default_factory=list)


# ---------------------------------------------------------------------------------------------- comparing


def compare(corpus: Corpus, source: Source, mine: Translation, theirs: Translation) -> Tally:
    """Compare what two translators made of one source. Its declarations count as one definition without a name."""
    names = {0: ""}
    if not corpus.cases:
        for match in _START.finditer(source.text):
            names[source.text.count("\n", 0, match.start("define")) + 1] = match["name"].strip('"`')
    starts = sorted(names)
    my_errors, their_errors = (by_definition(starts, found.errors) for found in (mine, theirs))
    my_nodes, their_nodes = (by_line(starts, found.definitions) for found in (mine, theirs))
    tally = Tally()
    for line in starts:
        if not any(line in found for found in (my_errors, their_errors, my_nodes, their_nodes)):
            continue
        tally.definitions += 1
        # What depends on a definition with errors is left out without an error of its own.
        left_out = ["left out"] if line else None
        refused = my_errors.get(line) or (None if line in my_nodes else left_out)
        accepted = their_errors.get(line) or (None if line in their_nodes else left_out)
        if refused and accepted:
            tally.equal += 1
            tally.refused += 1
            continue
        difference = _difference(refused, accepted, my_nodes.get(line, []), their_nodes.get(line, []))
        if difference is None:
            tally.equal += 1
        else:
            kind, path, *parts = difference
            shown = [repr(part)[:1500] for part in parts]
            tally.differences.append(Difference(corpus.name, source.name, names[line], kind, path, *shown))
    return tally


def _difference(
    refused: list[str] | None, accepted: list[str] | None, mine: list[nodes.Node], theirs: list[nodes.Node]
) -> tuple[str, str, Any, Any] | None:
    """(kind, path, ours, theirs) of one definition that is not refused by both."""
    if refused or accepted:
        return ("only ours refuses" if refused else "only theirs refuses"), "", refused, accepted
    difference = first_difference(_FORM(mine), _FORM(theirs))
    if difference is None:
        return None
    path, my_part, their_part = difference
    return f"{_head(my_part)} for {_head(their_part)} in {path.rpartition('/')[2]}", path, my_part, their_part


def by_definition(starts: Sequence[int], errors: Sequence[tuple[int, str]]) -> dict[int, list[str]]:
    """The errors of each definition, by the line on which it begins; 0 for those of the declarations."""
    found: dict[int, list[str]] = {}
    for line, message in errors:
        found.setdefault(max(start for start in starts if start <= line), []).append(message)
    return found


def by_line(starts: Sequence[int], found: Mapping[tuple[int, str], nodes.Node]) -> dict[int, list[nodes.Node]]:
    """The nodes of each definition by the line on which it begins; 0 for all declarations."""
    result: dict[int, list[nodes.Node]] = {}
    for (line, _), node in sorted(found.items(), key=lambda item: item[0]):
        result.setdefault(line if line in starts else 0, []).append(node)
    return result


def _head(part: Any) -> str:
    if isinstance(part, tuple) and part and isinstance(part[0], str):
        return part[0]
    return repr(part)[:40]


# ---------------------------------------------------------------------------------------------- known differences


_EVERYTHING = {"where": ".*", "kind": ".*", "ours": ".*", "theirs": ".*"}


@dataclass
class Known:
    """A difference that is listed. The regular expressions `patterns` describe it: the whole of its place (`where`) and
    its kind, and a part of what ours and theirs are."""

    name: str
    patterns: Mapping[str, re.Pattern[str]]
    found: int = 0

    def explains(self, difference: Difference) -> bool:
        return bool(
            self.patterns["where"].fullmatch(difference.place)
            and self.patterns["kind"].fullmatch(difference.kind)
            and self.patterns["ours"].search(difference.ours)
            and self.patterns["theirs"].search(difference.theirs)
        )


def known_differences(path: Path = DIFFERENCES) -> list[Known]:
    """The differences listed in a file, each with a name and a reason."""
    listed = tomllib.loads(path.read_text(encoding="utf-8"))["difference"]
    return [
        Known(
            each["name"], {key: re.compile(each.get(key, default), re.DOTALL) for key, default in _EVERYTHING.items()}
        )
        for each in listed
        if each["reason"]
    ]


def unexplained(tally: Tally, known: Sequence[Known]) -> list[Difference]:
    """The differences that are not listed. Counts those that are."""
    left = []
    for difference in tally.differences:
        explained = next((each for each in known if each.explains(difference)), None)
        if explained is None:
            left.append(difference)
        else:
            explained.found += 1
    return left


def run(content: Path, names: Sequence[str]) -> dict[str, Tally]:
    """Compile and compare the corpora with these names; all without names."""
    chosen = [corpus for corpus in corpora(content) if not names or corpus.name in names]
    paths = included_sources(content)
    includes = {
        header: text for text in (path.read_text("utf-8-sig") for path in paths) if (header := library_header(text))
    }
    tallies: dict[str, Tally] = {}
    with tempfile.TemporaryDirectory() as folder:
        answers = reference(chosen, paths, Path(folder))
        for corpus in chosen:
            tally = tallies[corpus.name] = Tally()
            for source, mine, theirs in zip(corpus.sources, ours(corpus, includes), answers[corpus.name], strict=True):
                part = compare(corpus, source, mine, theirs)
                tally.definitions += part.definitions
                tally.equal += part.equal
                tally.refused += part.refused
                tally.differences += part.differences
    return tallies


def show(tallies: Mapping[str, Tally], left: Mapping[str, Sequence[Difference]], known: Sequence[Known]) -> None:
    """Print the counts of each corpus, and how often each known difference was found."""
    for name, tally in tallies.items():
        print(
            f"{name}: {tally.definitions} definitions, {tally.equal} equal ({tally.refused} refused by both), "
            f"{len(tally.differences) - len(left[name])} explained, {len(left[name])} unexplained"
        )
    for each in known:
        print(f"  {each.found:6}  {each.name}")


def show_unexplained(differences: Sequence[Difference], limit: int, wanted: str | None) -> None:
    """Print the most frequent kinds of differences, and those whose kind or place contains what is wanted."""
    for kind, count in Counter(difference.kind for difference in differences).most_common(limit):
        print(f"  {count:6}  unexplained: {kind}")
    shown = [each for each in differences if wanted and (wanted in each.kind or wanted in each.place)]
    for each in shown[:limit]:
        print(each.place, each.kind, each.path, each.ours, each.theirs, sep="\n    ")


def report(
    tallies: Mapping[str, Tally], unexplained: Sequence[Difference], known: Sequence[Known]
) -> dict[str, object]:
    """The results as JSON."""
    return {
        "corpora": {
            name: {
                "definitions": tally.definitions,
                "equal": tally.equal,
                "refused": tally.refused,
                "differences": len(tally.differences),
            }
            for name, tally in tallies.items()
        },
        "explained": {each.name: each.found for each in known},
        "unexplained": unexplained,
    }


def main() -> None:
    parser = folder_parser(__doc__)
    parser.add_argument("--corpus", action="append", default=[], help="compare this corpus (repeatable; default: all)")
    parser.add_argument("--output", type=Path, help="write the report as JSON")
    parser.add_argument("--limit", type=int, default=40, help="how many kinds of differences to show")
    parser.add_argument("--show", help="show unlisted differences whose kind or place contains this")
    arguments = parser.parse_args()
    tallies = run(arguments.content, arguments.corpus)
    known = known_differences()
    left = {name: unexplained(tally, known) for name, tally in tallies.items()}
    differences = [difference for of_corpus in left.values() for difference in of_corpus]
    show(tallies, left, known)
    show_unexplained(differences, arguments.limit, arguments.show)
    write_results(arguments.output, report(tallies, differences, known))
    stale = [] if arguments.corpus else [each.name for each in known if not each.found]
    for name in stale:
        print(f"no longer found: {name}")
    sys.exit(1 if differences or stale else 0)


if __name__ == "__main__":
    main()
