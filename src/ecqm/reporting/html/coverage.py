"""Definitions with the clauses that test cases cover."""

from __future__ import annotations

from ecqm.measures.explanation.logic import LogicDefine
from ecqm.measures.explanation.outcomes import Coverage
from ecqm.reporting.decks.coverage import DefineCoverage, MeasureCoverage, Share
from ecqm.reporting.html.logic import Mark, anchors, by_library, define_section, legend
from ecqm.reporting.html.page import Markup, joined


def percentage(share: Share) -> str:
    """A percentage, rounded down, so that 100% means all of them."""
    return "–" if share.percent is None else f"{int(share.percent)}%"


def told_share(share: Share) -> str:
    """A share in words."""
    conditions = f"; {share.decided} of {share.conditions} conditions both ways" if share.conditions else ""
    return f"{share.covered} of {share.clauses} clauses ({percentage(share)}){conditions}"


def covered_logic(coverage: MeasureCoverage) -> Markup:
    """All definitions of a measure, each clause marked with how the cases cover it."""
    defines = {statement: each.define for statement, each in coverage.defines.items()}
    links = anchors(defines.values())

    def section(define: LogicDefine) -> Markup:
        part = coverage.defines[define.statement]
        marks = {clause: _mark(each) for clause, each in part.clauses.items()}
        return define_section(define, part.text, marks, links, _came_to(part))

    return joined(_LEGEND, by_library(list(defines.values()), section))


def _came_to(part: DefineCoverage) -> str:
    if part.define.node is None:
        return f"function: {told_share(Share.of(part.clauses.values()))}"
    if not part.define.counted:
        return "no population needs it"
    return told_share(Share.of(part.counted)) if part.counted else "nothing to cover"


def _mark(coverage: Coverage) -> Mark:
    held, failed = ("true", "not true") if coverage.condition else ("a value", "null or empty")
    told = f"{held} in {coverage.held}, {failed} in {coverage.failed} of {coverage.cases} cases"
    if coverage.unseen:
        told += f"; no rows in {coverage.unseen}"
    if coverage.held:
        style = "half" if coverage.condition and not coverage.failed else "held"
    else:
        style = "failed" if coverage.failed else "unseen"
    return Mark(style, told, coverage.condition)


_LEGEND = legend(
    [
        (Mark("held", "", True), "true in some case, and not true in some"),
        (Mark("held", "", False), "has a value in some case"),
        (Mark("half", "", True), "never other than true"),
        (Mark("failed", "", True), "never true"),
        (Mark("failed", "", False), "never with a value"),
        (Mark("unseen", "", False), "never evaluated: there are no rows"),
    ]
)
