"""Layouts: how stored arrays are to be read."""

from __future__ import annotations

from typing import Any

Layout = dict[str, Any]
"""The layout of an array, as in the table of this package."""
