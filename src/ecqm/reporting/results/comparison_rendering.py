"""A comparison of two runs as a table and as JSON."""

from __future__ import annotations

from collections.abc import Iterator

from ecqm.measures.results.fhir_elements import Json
from ecqm.reporting.results.comparison import Comparison, Difference
from ecqm.reporting.tables import table_text

_HEADINGS = ("measure", "group", "what", "before", "after", "gained", "lost", "changed", "for instance")
_PLACES_SHOWN = 5
_TEXTS = frozenset((*_HEADINGS[:3], _HEADINGS[-1]))


def comparison_text(found: Comparison, width: int) -> str:
    """The populations, observations and scores that differ, then what only one of the runs has."""
    lines = [_table(found, width)] if found.differences or found.scores else []
    lines += _on_one_side(found)
    return "\n".join(lines) if lines else f"no difference in {found.patients[0]:,} patients"


def _table(found: Comparison, width: int) -> str:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in _HEADINGS:
        if heading in _TEXTS:
            table.add_column(heading, overflow="fold")
        else:
            table.add_column(heading, justify="right", no_wrap=True)
    for cells in _rows(found):
        table.add_row(*cells)
    return table_text(table, width)


def _rows(found: Comparison) -> Iterator[list[str]]:
    places = dict.fromkeys((*(each.place for each in found.differences), *found.scores))
    for place in places:
        for each in found.differences:
            if each.place == place:
                yield [*place, *_cells(each)]
        if place in found.scores:
            pair = ("" if score is None else f"{score:.4f}" for score in found.scores[place])
            yield [*place, "score", *pair, "", "", "", ""]


def _cells(each: Difference) -> list[str]:
    moved = (f"{number:,}" if number else "" for number in (each.gained, each.lost, each.changed))
    more = ", …" if each.more_patients else ""
    return [each.what.replace("_", "-"), f"{each.before:,}", f"{each.after:,}", *moved, ", ".join(each.examples) + more]


def _on_one_side(found: Comparison) -> Iterator[str]:
    _, patients_before, patients_after = found.patients
    sides = (("before", found.only_before, patients_before), ("after", found.only_after, patients_after))
    for side, places, patients in sides:
        if places:
            told = [" ".join(place) for place in places[:_PLACES_SHOWN]]
            told += [f"and {len(places) - _PLACES_SHOWN} more"] if len(places) > _PLACES_SHOWN else []
            yield f"only {side}: {', '.join(told)}"
        if patients:
            yield f"only {side}: {patients:,} {'patient' if patients == 1 else 'patients'}"


def comparison_json(found: Comparison) -> Json:
    """What `comparison_text` shows."""
    in_both, patients_before, patients_after = found.patients
    return {
        "differences": [
            {
                "measure": each.place[0],
                "group": each.place[1],
                "what": each.what,
                "before": each.before,
                "after": each.after,
                "gained": each.gained,
                "lost": each.lost,
                "changed": each.changed,
                "examples": list(each.examples),
            }
            for each in found.differences
        ],
        "scores": [
            {"measure": measure, "group": group, "before": before, "after": after}
            for (measure, group), (before, after) in found.scores.items()
        ],
        "onlyBefore": [{"measure": measure, "group": group} for measure, group in found.only_before],
        "onlyAfter": [{"measure": measure, "group": group} for measure, group in found.only_after],
        "patients": {"both": in_both, "onlyBefore": patients_before, "onlyAfter": patients_after},
    }
