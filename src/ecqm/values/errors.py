"""The error that evaluating an expression may raise."""

from __future__ import annotations


class CqlError(Exception):
    """A run-time error in the sense of CQL: the value asked for does not exist (`successor of` the
    maximum, a malformed date, an interval that ends before it starts).

    Programming mistakes raise Python's own errors."""
