"""The pages of a deck: an index of measures, a page per measure with its cases and covered clauses, a page per
differing case.

    pages = DeckPages(folder)
    DeckRunner(content, inspector=pages).run(measure, cases)    # for each measure
    pages.write(runs)

Pages of cases are written when their measure is evaluated, all others at the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import reduce
from operator import or_
from pathlib import Path

from ecqm.bundles.decks.inspection import Inspected
from ecqm.data import Demand
from ecqm.measures.decks.agreement import CaseResult, MeasureRun
from ecqm.measures.evaluation.planning import MeasurePlan
from ecqm.measures.explanation.logic import MeasureLogic, together
from ecqm.measures.explanation.outcomes import Outcomes
from ecqm.operators.message import telling
from ecqm.reporting.decks.coverage import MeasureCoverage, Share
from ecqm.reporting.decks.differences import beside
from ecqm.reporting.explanations.explanation import Explainer
from ecqm.reporting.explanations.words import Words
from ecqm.reporting.html.comparison import badge, verdict
from ecqm.reporting.html.coverage import covered_logic, percentage, told_share
from ecqm.reporting.html.explanation import explanation_page
from ecqm.reporting.html.page import Content, Markup, joined, page, table, tag

_INDEX = "index.html"


class DeckPages:
    """An inspector of a deck's evaluation that writes its pages into a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._coverage: dict[str, MeasureCoverage] = {}
        self._names = FileNames()
        self._cases: set[str] = set()
        self._logic: dict[int, MeasureLogic] = {}

    def demand(self, plans: Sequence[MeasurePlan]) -> Demand:
        """The data that the clauses of plans need."""
        return reduce(or_, (self._logic_of(plan).demand for plan in plans))

    def inspect(self, inspected: Inspected) -> None:
        """Count the clauses of cases that were evaluated together, and write the pages of those that differ."""
        coverage = self._coverage.setdefault(inspected.measure, MeasureCoverage())
        outcomes = Outcomes(inspected.executor)
        # Messages of the logic were already collected when the cases were evaluated.
        with telling(lambda told: None):
            logic = together(self._logic_of(plan) for plan, _ in inspected.parts)
            coverage.add(logic, outcomes, Words(inspected.source_of))
            for row, result in enumerate(inspected.results):
                if verdict(result) != "agrees":
                    self._write_case(inspected, row, result, outcomes)

    def _logic_of(self, plan: MeasurePlan) -> MeasureLogic:
        """The logic of a plan, one for all cases of a measure. It keeps the plan alive, and so its id is not reused."""
        if id(plan) not in self._logic:
            self._logic[id(plan)] = MeasureLogic(plan)
        return self._logic[id(plan)]

    def write(self, runs: Iterable[MeasureRun]) -> None:
        """Write the index and the pages of measures."""
        told = []
        for run in runs:
            coverage = self._coverage.get(run.measure, MeasureCoverage())
            file = self._names.of(run.measure)
            self._write(f"{file}.html", self._measure_page(run, file, coverage))
            told.append((run, f"{file}.html", coverage.share))
        self._write(_INDEX, _index_page(told))

    def _write_case(self, inspected: Inspected, row: int, result: CaseResult, outcomes: Outcomes) -> None:
        found = [
            Explainer(plan, self._logic_of(plan), inspected.executor, inspected.source_of, outcomes).explanation(
                row, result.case.name, groups
            )
            for plan, groups in inspected.parts
        ]
        file = self._names.of(inspected.measure)
        case = f"{file}/{self._names.of(result.case.name, file)}.html"
        back = tag("p", tag("a", f"← {inspected.measure}", href=f"../{file}.html"))
        self._write(case, explanation_page(found, result, back))
        self._cases.add(case)

    def _measure_page(self, run: MeasureRun, file: str, coverage: MeasureCoverage) -> str:
        rows: list[list[Content]] = []
        # What needs attention comes first.
        for result in sorted(run.results, key=lambda result: _VERDICTS.index(verdict(result))):
            name: Content = result.case.title or result.case.name
            case = f"{file}/{self._names.of(result.case.name, file)}.html"
            if case in self._cases:
                name = tag("a", name, href=case)
            rows.append([name, badge(result), _in_short(result)])
        return page(
            f"{run.measure}: cases",
            tag("p", tag("a", "← all measures", href=_INDEX)),
            tag("h1", run.measure),
            tag("p", "Covered by its cases: ", told_share(coverage.share)),
            tag("details", tag("summary", f"{len(rows)} cases: {_tally(run.results)}"), table(_CASES, rows), open=""),
            tag("h2", "What the cases cover"),
            covered_logic(coverage),
        )

    def _write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


_CASES: list[Content] = ["case", "verdict", "expected → found"]
_VERDICTS = ("error", "differs", "listed", "agrees")


def _in_short(result: CaseResult) -> Markup:
    """The populations of a case, and what else differs; the error if it could not be evaluated."""
    if result.error is not None:
        return tag("span", result.error)
    told: list[Content] = []
    for group in result.groups:
        for population in group.populations:
            found = "none" if population.actual is None else f"{population.actual:g}"
            words = f"{population.code} {population.expected:g} → {found}"
            told += [None if not told else ", ", words if population.agree else tag("b", words)]
        told += (part for words in beside(group) for part in ("; ", tag("b", words)))
    return joined(*told)


def _tally(results: Sequence[CaseResult]) -> str:
    words = [verdict(result) for result in results]
    return ", ".join(f"{words.count(word)} {word.removesuffix('s')}" for word in reversed(_VERDICTS) if word in words)


def _index_page(measures: Sequence[tuple[MeasureRun, str, Share]]) -> str:
    rows: list[list[Content]] = []
    for run, file, share in measures:
        words = [verdict(result) for result in run.results]
        counts = [str(words.count(word)) for word in reversed(_VERDICTS)]
        decided = f"{share.decided} of {share.conditions}"
        link = tag("a", run.measure, href=file)
        rows.append([link, str(len(words)), *counts, percentage(share), f"{share.covered} of {share.clauses}", decided])
    headings: list[Content] = [
        "measure", "cases", "agree", "listed", "differ", "error", "coverage", "clauses", "both ways",
    ]  # fmt: skip
    return page(
        "Test cases",
        tag("h1", "Test cases"),
        tag("p", "A clause is covered if it was true, or had a value, in some case.", class_="faint"),
        tag("p", "Both ways: conditions that were also other than true in some case.", class_="faint"),
        table(headings, rows, class_="numbers"),
    )


class FileNames:
    """Names for use in paths: letters, digits, dots and hyphens, unique within a folder."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], str] = {}
        self._taken: set[tuple[str, str]] = set()

    def of(self, name: str, folder: str = "") -> str:
        """The file name for a name; equal names have the same."""
        known = self._known.get((folder, name))
        if known is None:
            plain = re.sub(r"[^A-Za-z0-9.-]+", "-", name).strip("-.") or "unnamed"
            known, number = plain, 1
            # File systems may ignore upper and lower case; `index` is the deck's own page.
            while known.lower() == "index" or (folder, known.lower()) in self._taken:
                number += 1
                known = f"{plain}-{number}"
            self._known[folder, name] = known
            self._taken.add((folder, known.lower()))
        return known
