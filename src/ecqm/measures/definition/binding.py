"""Binding the criteria of a measure to the definitions of its library.

A criterion names a definition exactly, or as CQL does: in quotation marks, qualified by the library. Anything else is a
CQL expression; it is compiled with the library (`criteria_in_cql`), as a definition named by its text. Some published
measures have names that differ from the definition only in upper and lower case; if just one definition matches, it is
taken, and the measure lists this as a problem. Any other undefined name is an error that lists similar definitions.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from dataclasses import replace
from difflib import get_close_matches

from ecqm.measures.definition import Group, Measure, MeasureError, Stratifier

# A reference to a definition, as CQL writes it.
_IDENTIFIER = re.compile(r'(?:"?(?P<library>\w+)"?\.)?(?:(?P<plain>\w+)|"(?P<quoted>[^"]+)")')


def criteria_in_cql(measure: Measure, defined: Iterable[str], library: str | None = None) -> tuple[str, ...]:
    """The criteria of a measure that are CQL expressions, without those that only name a definition."""
    names = set(defined)
    by_lower = {name.lower() for name in names}
    written = (each for each in measure.expressions if each in measure.in_cql)
    return tuple(each for each in written if not _named(each, names, library) and each.lower() not in by_lower)


def _named(expression: str, names: Container[str], library: str | None) -> str | None:
    """The definition that an expression names, literally or as a CQL identifier; None if it does not name one."""
    if expression in names:
        return expression
    identifier = _IDENTIFIER.fullmatch(expression.strip())
    if identifier is None or identifier["library"] not in (None, library):
        return None
    name = identifier["plain"] or identifier["quoted"]
    return name if name in names else None


def bind_expressions(measure: Measure, defined: Iterable[str], library: str | None = None) -> Measure:
    """The measure with every criterion replaced by the exact name of its definition in its primary library, named
    `library`.

    Raises MeasureError with all undefined population and stratifier criteria. Undefined supplemental data are left as
    they are; planning reports them.
    """
    names = list(dict.fromkeys(defined))
    exact = set(names)
    by_lower: dict[str, list[str]] = {}
    for name in names:
        by_lower.setdefault(name.lower(), []).append(name)
    problems: list[str] = []
    unknown: list[str] = []

    def bound(expression: str, required: bool = True) -> str:
        if (name := _named(expression, exact, library)) is not None:
            return name
        meant = by_lower.get(expression.lower(), [])
        if len(meant) == 1:
            taken = f"criterion {expression!r} is taken as {meant[0]!r}, which differs in capitals only"
            problems.append(f"measure {measure.name}: {taken}")
            return meant[0]
        if required:
            close = get_close_matches(expression, names, n=3)
            unknown.append(f"{expression!r}" + (f" (did you mean {' or '.join(map(repr, close))}?)" if close else ""))
        return expression

    def group(of: Group) -> Group:
        populations = tuple(replace(p, expression=bound(p.expression)) for p in of.populations)
        return replace(of, populations=populations, stratifiers=tuple(map(stratifier, of.stratifiers)))

    def stratifier(of: Stratifier) -> Stratifier:
        return replace(of, components=tuple(replace(c, expression=bound(c.expression)) for c in of.components))

    groups = tuple(map(group, measure.groups))
    supplements = tuple(replace(s, expression=bound(s.expression, False)) for s in measure.supplemental_data)
    if unknown:
        raise MeasureError(f"measure {measure.name} uses what its library does not define: {'; '.join(unknown)}")
    return replace(
        measure, groups=groups, supplemental_data=supplements, problems=(*measure.problems, *dict.fromkeys(problems))
    )
