"""The error of evaluation."""

from __future__ import annotations


class CqlError(Exception):
    """A run-time error of CQL: the result does not exist (the successor of the maximum, a malformed date, an interval
    that ends before it starts). Mistakes in this program raise Python's own exceptions instead."""


class OutsideCalendar(CqlError):
    """A date before the year 1 or after the year 9999."""
