"""A page that explains one patient: populations, reasons for not being in others, and every definition clause by
clause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ecqm.measures.decks.agreement import CaseResult
from ecqm.measures.explanation.clauses import Clause
from ecqm.measures.explanation.logic import LogicDefine
from ecqm.measures.explanation.outcomes import State
from ecqm.measures.explanation.relevance import Statement
from ecqm.measures.explanation.values import Unknown
from ecqm.reporting.explanations.explanation import ExplainedDefine, Explanation
from ecqm.reporting.html.comparison import expected_beside_found
from ecqm.reporting.html.logic import Mark, anchors, by_library, define_section, legend
from ecqm.reporting.html.page import Content, Markup, joined, page, table, tag
from ecqm.reporting.notation import notation

_STYLES = {
    State.TRUE: "held",
    State.VALUE: "held",
    State.FALSE: "failed",
    State.MIXED: "half",
    State.SOME: "half",
    State.NOTHING: "nothing",
    State.NOT_EVALUATED: "unseen",
}
_CONDITIONS = {State.TRUE, State.FALSE, State.MIXED}
_LONGEST = 300


def explanation_page(found: Sequence[Explanation], compared: CaseResult | None = None, above: Content = None) -> str:
    """The page of a patient for a measure, or for the components of a composite measure one after the other.

    `compared`: the comparison with a test case's expectation; `above`: markup at the top of the page.
    """
    first = found[0]
    name = first.patient if compared is None else compared.case.title or compared.case.name
    measures = ", ".join(each.measure.name for each in found)
    links: dict[Statement, str] = anchors(_distinct(found))
    parts: list[Content] = [above, tag("h1", name), tag("p", f"{measures}, patient {first.patient}", class_="faint")]
    if compared is not None:
        parts.append(expected_beside_found(compared))
    for each in found:
        parts += [tag("h2", each.measure.title or each.measure.name), _populations(each, links), _reasons(each)]
    parts += [tag("h2", "How to read the logic"), _LEGEND]
    shown: set[Statement] = set()
    for each in found:
        # Components of one measure share libraries: each definition is shown once.
        explained = {part.define.statement: part for part in each.logic if part.define.statement not in shown}
        shown |= explained.keys()
        parts.append(_logic(explained, links))
    return page(f"{name} – {measures}", *parts)


def _distinct(found: Sequence[Explanation]) -> list[LogicDefine]:
    return list({part.define.statement: part.define for each in found for part in each.logic}.values())


def _logic(explained: Mapping[Statement, ExplainedDefine], links: Mapping[Statement, str]) -> Markup:
    def section(define: LogicDefine) -> Markup:
        part = explained[define.statement]
        marks = {clause: _mark(state, value) for clause, (state, value) in part.clauses.items()}
        came_to = "function" if define.node is None else f"= {_short(part.value)}"
        return define_section(define, part.text, marks, links, came_to)

    return by_library([part.define for part in explained.values()], section)


def _mark(state: State, value: object) -> Mark:
    told = str(value) if isinstance(value, Unknown) else _short(value)
    return Mark(_STYLES[state], told if told == state else f"{state}: {told}", state in _CONDITIONS)


def _short(value: object) -> str:
    told = notation(value)
    return told if len(told) <= _LONGEST else told[: _LONGEST - 1] + "…"


def _populations(found: Explanation, links: Mapping[Statement, str]) -> Markup:
    library = found.logic[0].define.statement[0] if found.logic else ""
    rows: list[list[Content]] = []
    for group, counts in found.counts:
        for population, count in counts:
            link = links.get((library, population.expression))
            define = tag("a", population.expression, href=f"#{link}") if link else population.expression
            rows.append([group, population.code.value, define, str(count)])
    errors = [tag("p", tag("span", "error", class_="verdict error"), " ", error) for error in found.errors]
    return joined(*errors, table(["group", "population", "definition", "count"], rows), _counted(found))


def _counted(found: Explanation) -> Markup:
    """Episodes with their populations, and what is observed of them or of the patient."""
    rows: list[list[Content]] = [
        [
            each.group,
            each.episode or "patient",
            ", ".join(each.populations),
            ", ".join(f"{id_} = {value}" for id_, value in each.observations),
            ", ".join(each.strata),
        ]
        for each in found.counted
        if each.adds_to_counts
    ]
    return table(["group", "counted", "populations", "observed", "strata"], rows) if rows else joined()


def _reasons(found: Explanation) -> Markup:
    parts: list[Content] = []
    for reason in found.reasons:
        if reason.clause is None:
            told: Content = tag("p", reason.met_elsewhere, ".")
        else:
            told = tag("ul", _tree(reason.clause), class_="tree")
        parts.append(tag("details", tag("summary", f"Why {reason.heading} of {reason.group}"), told))
    return joined(*parts)


def _tree(clause: Clause) -> Markup:
    inner = tag("ul", *map(_tree, clause.clauses)) if clause.clauses else None
    text = clause.text if len(clause.text) <= _LONGEST else clause.text[: _LONGEST - 1] + "…"
    return tag("li", text, " → ", tag("b", _short(clause.value)), " (see above)" if clause.told else None, inner)


_LEGEND = legend(
    [
        (Mark("held", "", True), "true"),
        (Mark("held", "", False), "has a value"),
        (Mark("failed", "", True), "false"),
        (Mark("half", "", True), "true, or has a value, in some rows of a query"),
        (Mark("nothing", "", False), "null or empty"),
        (Mark("unseen", "", False), "not evaluated: there are no rows"),
    ]
)
