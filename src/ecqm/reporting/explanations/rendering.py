"""An explanation as text, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ecqm.measures.explanation.clauses import Clause
from ecqm.reporting.explanations.explanation import Explanation
from ecqm.reporting.notation import notation, whole

# The text of clauses within a clause is part of its own.
_LONGEST_TEXT, _LONGEST_OUTER_TEXT = 240, 160
_LONGEST_VALUE = 240


def explanation_text(found: Explanation) -> str:
    """The explanation as text: populations, definitions, and reasons with the lines of the source."""
    lines = [f"{found.measure.name}, patient {found.patient}", ""]
    for group, counts in found.counts:
        lines.append(f"{group}: " + ", ".join(f"{population.code.value} {count}" for population, count in counts))
        lines += [f"  {each}" for each in found.counted if each.group == group and each.adds_to_counts]
    lines += [f"error: {error}" for error in found.errors]
    for library, values in found.values.items():
        lines += ["", library]
        lines += [f"  {name} = {_cut(notation(value), _LONGEST_VALUE)}" for name, value in values.items()]
    for reason in found.reasons:
        lines += ["", f"{reason.group}: {reason.heading}"]
        if reason.clause is None:
            lines.append(f"  {reason.met_elsewhere}")
        else:
            lines += _tree(reason.clause, "  ", "")
    return "\n".join(lines)


def _tree(clause: Clause, indent: str, library: str) -> Iterator[str]:
    """A clause with its line in the source, and those in it. `library` is that of the clause around it."""
    if clause.text == notation(clause.value):
        return
    line = (clause.locator or "").partition(":")[0]
    text = _cut(clause.text, _LONGEST_OUTER_TEXT if clause.clauses else _LONGEST_TEXT)
    told = f"{line:>6}{indent}{text}  →  {_cut(notation(clause.value), _LONGEST_VALUE)}"
    told += f"  in {clause.library}" if clause.library != library else ""
    yield told + ("  (see above)" if clause.told else "")
    for inner in clause.clauses:
        yield from _tree(inner, indent + "  ", clause.library)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


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
        "counted": [
            {
                "group": each.group,
                "episode": each.episode,
                "populations": list(each.populations),
                "observations": dict(each.observations),
                "strata": list(each.strata),
            }
            for each in found.counted
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
                "member": reason.member,
                "define": reason.population.expression,
                "clause": None if reason.clause is None else _clause_json(reason.clause),
                "instead": reason.instead or None,
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
