"""Operators on intervals, some of which also apply to lists (ELM reference: Interval; List)."""

from __future__ import annotations

from ecqm.elm.nodes.base import BinaryExpression, NaryExpression, UnaryExpression


class Width(UnaryExpression):
    pass


class Size(UnaryExpression):
    pass


class PointFrom(UnaryExpression):
    pass


class Start(UnaryExpression):
    pass


class End(UnaryExpression):
    pass


class Contains(BinaryExpression):
    precision: str | None = None


class ProperContains(BinaryExpression):
    precision: str | None = None


class In(BinaryExpression):
    precision: str | None = None


class ProperIn(BinaryExpression):
    precision: str | None = None


class Includes(BinaryExpression):
    precision: str | None = None


class IncludedIn(BinaryExpression):
    precision: str | None = None


class ProperIncludes(BinaryExpression):
    precision: str | None = None


class ProperIncludedIn(BinaryExpression):
    precision: str | None = None


class Before(BinaryExpression):
    precision: str | None = None


class After(BinaryExpression):
    precision: str | None = None


class Meets(BinaryExpression):
    precision: str | None = None


class MeetsBefore(BinaryExpression):
    precision: str | None = None


class MeetsAfter(BinaryExpression):
    precision: str | None = None


class Overlaps(BinaryExpression):
    precision: str | None = None


class OverlapsBefore(BinaryExpression):
    precision: str | None = None


class OverlapsAfter(BinaryExpression):
    precision: str | None = None


class Starts(BinaryExpression):
    precision: str | None = None


class Ends(BinaryExpression):
    precision: str | None = None


class Collapse(BinaryExpression):
    pass


class Expand(BinaryExpression):
    pass


class Union(NaryExpression):
    pass


class Intersect(NaryExpression):
    pass


class Except(NaryExpression):
    pass
