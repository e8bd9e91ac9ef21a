"""Criteria of a measure tied to the definitions of its library.

A criterion names a definition exactly, or as CQL does: in quotation marks, with the library in front. What is more than
a name is an expression, to be compiled with the library (`criteria_in_cql`), where it is a definition by that text.
Published measures have names that differ from the definition's in capitals only; there the one definition that it can
mean is taken, and the measure lists it among its problems. Any other name that is not defined is an error, with the
definitions that come close.
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
    """The criteria of a measure that are expressions of CQL, and none that only names a definition."""
    names = set(defined)
    by_lower = {name.lower() for name in names}
    written = (each for each in measure.expressions if each in measure.in_cql)
    return tuple(each for each in written if not _named(each, names, library) and each.lower() not in by_lower)


def _named(expression: str, names: Container[str], library: str | None) -> str | None:
    """The definition that an expression names, as it is or as CQL writes it; None if it does not."""
    if expression in names:
        return expression
    identifier = _IDENTIFIER.fullmatch(expression.strip())
    if identifier is None or identifier["library"] not in (None, library):
        return None
    name = identifier["plain"] or identifier["quoted"]
    return name if name in names else None


def bind_expressions(measure: Measure, defined: Iterable[str], library: str | None = None) -> Measure:
    """The measure with every criterion named as its definition in `library`, the name of its library, is.

    `MeasureError` naming all population and stratifier criteria that are not defined; supplemental data that is not
    defined is left as it is, for whoever evaluates it to report.
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
            problems.append(f"criterion {expression!r} is taken as {meant[0]!r}, which differs in capitals only")
            return meant[0]
        if required:
            close = get_close_matches(expression, names, n=3)
            unknown.append(f"{expression!r}" + (f" (defined: {', '.join(map(repr, close))})" if close else ""))
        return expression

    def group(of: Group) -> Group:
        populations = tuple(replace(p, expression=bound(p.expression)) for p in of.populations)
        return replace(of, populations=populations, stratifiers=tuple(map(stratifier, of.stratifiers)))

    def stratifier(of: Stratifier) -> Stratifier:
        return replace(of, components=tuple(replace(c, expression=bound(c.expression)) for c in of.components))

    groups = tuple(map(group, measure.groups))
    supplements = tuple(replace(s, expression=bound(s.expression, False)) for s in measure.supplemental_data)
    if unknown:
        raise MeasureError(f"measure {measure.name} names what its library does not define: {'; '.join(unknown)}")
    return replace(
        measure, groups=groups, supplemental_data=supplements, problems=(*measure.problems, *dict.fromkeys(problems))
    )
