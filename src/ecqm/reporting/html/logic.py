"""Definitions as written in the measure, each clause marked with its outcome."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from ecqm.elm.narrative import Span
from ecqm.measures.explanation.logic import LogicDefine
from ecqm.measures.explanation.relevance import Statement
from ecqm.reporting.html.page import Content, Markup, joined, tag

_BREAKS = re.compile(r"(\s*\n\s*)")


@dataclass(frozen=True)
class Mark:
    """How a clause is shown: a class of the style sheet, the text on hover, and whether with a sign."""

    style: str
    told: str
    sign: bool

    @property
    def classes(self) -> str:
        return f"{self.unsigned} sign" if self.sign else self.unsigned

    @property
    def unsigned(self) -> str:
        """The classes of a clause's words after the first."""
        return f"c {self.style}"


def anchors(defines: Iterable[LogicDefine]) -> dict[Statement, str]:
    """The anchor of each definition on its page."""
    return {define.statement: f"define-{place}" for place, define in enumerate(defines, 1)}


def define_section(
    define: LogicDefine,
    text: Span | None,
    marks: Mapping[str, Mark],
    links: Mapping[Statement, str],
    came_to: Content,
) -> Markup:
    """One definition: its name, value and text."""
    header = tag("header", tag("h3", define.definition.name), tag("span", came_to, class_="came-to"))
    if text is None:
        uses = [
            tag("a", used[1], href=f"#{links[used]}") for used in dict.fromkeys(define.uses.values()) if used in links
        ]
        told = joined(" It uses ", _listed(uses), ".") if uses else None
        words: Content = tag("p", "The text of this definition is not available.", told)
    else:
        words = tag("pre", *_marked(text, define, marks, links))
    return tag("section", header, words, class_="define", id=links[define.statement])


def _listed(parts: Sequence[Content]) -> Markup:
    return joined(*(piece for place, part in enumerate(parts) for piece in ((", " if place else None), part)))


def _runs(span: Span, clauses: Container[str], around: str | None = None) -> Iterator[tuple[str, str | None]]:
    """The text of a span in runs, each with its innermost clause; `around` is that of the span."""
    clause = span.node if span.node in clauses else around
    for part in span.parts:
        if isinstance(part, str):
            yield part, clause
        else:
            yield from _runs(part, clauses, clause)


def _marked(
    text: Span, define: LogicDefine, marks: Mapping[str, Mark], links: Mapping[Statement, str]
) -> Iterator[Content]:
    """The text with marks that are not nested, so that each word has only one mark."""
    signed: set[str | None] = set()
    runs = groupby(_runs(text, marks.keys() | define.uses.keys()), key=itemgetter(1))
    for clause, pieces in runs:
        mark = marks.get(clause or "")
        link = links.get(define.uses.get(clause or "", ("", "")))
        # Line breaks and the spaces around them belong to the layout, not to a clause.
        for words in _BREAKS.split("".join(piece for piece, _ in pieces)):
            if (mark is None and link is None) or not words.strip():
                yield words
                continue
            classes = (mark.unsigned if clause in signed else mark.classes) if mark is not None else None
            told = mark.told if mark is not None else None
            marked = words.lstrip(" ")
            yield " " * (len(words) - len(marked))
            yield tag("a" if link else "span", marked, href=f"#{link}" if link else None, class_=classes, title=told)
            signed.add(clause)


def legend(entries: Iterable[tuple[Mark, str]]) -> Markup:
    """The legend of the marks."""
    return tag("p", *(tag("span", tag("span", text, class_=mark.classes)) for mark, text in entries), class_="legend")


def by_library(defines: Sequence[LogicDefine], section: Callable[[LogicDefine], Markup]) -> Markup:
    """All definitions under headings of their libraries."""
    found: dict[str, list[Markup]] = {}
    for define in defines:
        found.setdefault(str(define.library.identifier), []).append(section(define))
    return joined(*(joined(tag("h2", "Library ", library), *sections) for library, sections in found.items()))
