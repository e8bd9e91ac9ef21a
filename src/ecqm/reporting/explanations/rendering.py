"""An explanation as text, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ecqm.measures.explanation.clauses import Clause
from ecqm.reporting.explanations.explanation import Explanation
from ecqm.reporting.notation import notation, whole

_LONGEST_TEXT = 240


def explanation_text(found: Explanation) -> str:
    """The explanation as text: populations, definitions, reasons."""
    lines = [f"{found.measure.name}, patient {found.patient}", ""]
    for group, counts in found.counts:
        lines.append(f"{group}: " + ", ".join(f"{population.code.value} {count}" for population, count in counts))
    lines += [f"error: {error}" for error in found.errors]
    for library, values in found.values.items():
        lines += ["", library]
        lines += [f"  {name} = {notation(value)}" for name, value in values.items()]
    for reason in found.reasons:
        lines += ["", f"{reason.group}: not in {reason.population.code.value} ({reason.population.id})"]
        if reason.clause is None:
            lines.append(f'  "{reason.population.expression}" is met, but not what the population is drawn from')
        else:
            lines += _tree(reason.clause, "  ")
    return "\n".join(lines)


def _tree(clause: Clause, indent: str) -> Iterator[str]:
    text = clause.text if len(clause.text) <= _LONGEST_TEXT else clause.text[: _LONGEST_TEXT - 1] + "…"
    yield f"{indent}{text}  →  {notation(clause.value)}" + ("  (see above)" if clause.told else "")
    for inner in clause.clauses:
        yield from _tree(inner, indent + "  ")


def explanation_json(found: Explanation) -> dict[str, Any]:
    """The explanation as JSON; values in CQL notation, lists complete."""
    return {
        "measure": found.measure.name,
        "patient": found.patient,
        "groups": [
            {
                "id": group,
                "populations": [{"id": p.id, "code": p.code.value, "count": count} for p, count in counts],
            }
            for group, counts in found.counts
        ],
        "errors": list(found.errors),
        "warnings": list(found.warnings),
        "defines": [
            {"library": library, "name": name, "value": whole(value)}
            for library, values in found.values.items()
            for name, value in values.items()
        ],
        "reasons": [
            {
                "group": reason.group,
                "population": reason.population.id,
                "define": reason.population.expression,
                "clause": None if reason.clause is None else _clause_json(reason.clause),
            }
            for reason in found.reasons
        ],
    }


def _clause_json(clause: Clause) -> dict[str, Any]:
    return {
        "text": clause.text,
        "library": clause.library,
        "locator": clause.locator,
        "value": whole(clause.value),
        "clauses": [_clause_json(inner) for inner in clause.clauses],
    }
