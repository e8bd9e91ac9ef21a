"""Which clauses of a measure its test cases cover.

A clause is covered if it was true, or had a value, in some case, as the authoring tools count it; whether it also
failed in a case is reported in addition. Clauses count if they belong to definitions that populations, stratifiers and
observations need, depend on the patient, and have text of their own. Clauses of functions, which many measures share,
are shown but not counted; the call is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ecqm.elm.narrative import Span
from ecqm.measures.explanation.logic import LogicDefine
from ecqm.measures.explanation.outcomes import Coverage, Outcomes
from ecqm.measures.explanation.relevance import Statement
from ecqm.reporting.explanations.words import Words


@dataclass
class DefineCoverage:
    """A definition with its text, and the coverage of each of its clauses by localId."""

    define: LogicDefine
    text: Span | None
    clauses: dict[str, Coverage]

    @property
    def counted(self) -> list[Coverage]:
        """The clauses that count."""
        return list(self.clauses.values()) if self.define.counted else []


@dataclass(frozen=True)
class Share:
    """How many of `clauses` were `covered`, and how many of the `conditions` among them both held and failed
    (`decided`)."""

    clauses: int
    covered: int
    conditions: int
    decided: int

    @classmethod
    def of(cls, coverages: Iterable[Coverage]) -> Share:
        """The share covered of some clauses."""
        counted = list(coverages)
        conditions = [each for each in counted if each.condition]
        covered = sum(each.held > 0 for each in counted)
        return cls(
            len(counted), covered, len(conditions), sum(each.held > 0 and each.failed > 0 for each in conditions)
        )

    @property
    def percent(self) -> float | None:
        """None if there is nothing to cover."""
        return 100 * self.covered / self.clauses if self.clauses else None


@dataclass
class MeasureCoverage:
    """The coverage of all definitions of a measure, in the order of its logic."""

    defines: dict[Statement, DefineCoverage] = field(default_factory=dict)

    def add(self, logic: Sequence[LogicDefine], outcomes: Outcomes, words: Words) -> None:
        """Count cases that were evaluated together."""
        for define in logic:
            known = self.defines.get(define.statement)
            if known is None:
                known = self.defines[define.statement] = DefineCoverage(define, words.of(define), {})
            for clause in _with_words(known):
                outcome = outcomes.of_clause(define.clauses[clause])
                if outcome is not None:
                    known.clauses[clause] = known.clauses.get(clause, Coverage()) + Coverage.of(outcome)

    @property
    def share(self) -> Share:
        """The share over all clauses that count."""
        return Share.of(coverage for define in self.defines.values() for coverage in define.counted)


def _with_words(define: DefineCoverage) -> list[str]:
    """The clauses that appear in the text of a definition."""
    named = {span.node for span in define.text} if define.text is not None else set()
    return [clause for clause in define.define.clauses if clause in named]
