"""Structs of FHIR (`ecqm.data.fhir.structs`): how deep JSON may be nested."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ecqm.data.fhir.structs import DEEPEST, is_deep


def nested(levels: int, inside: Any = None, indent: int | None = None) -> bytes:
    """JSON with that many objects and lists within one another, beside others that are not."""
    value = inside
    for level in range(levels):
        value = {"of": value, "other": []} if level % 2 else [value, *({} for _ in range(min(level, 2)))]
    return json.dumps(value, indent=indent).encode()


@pytest.mark.parametrize("indent", [None, 2])
def test_levels_are_counted(indent: int | None) -> None:
    assert not is_deep(nested(DEEPEST, indent=indent))
    assert is_deep(nested(DEEPEST + 1, indent=indent))


def test_many_brackets_are_not_deep() -> None:
    assert not is_deep(json.dumps([{"a": [1]}] * 500).encode())


@pytest.mark.parametrize("text", ["[[{" * 30, '"[[{' * 30, "\\", '\\"[', "}]" * 60, '\\\\"{'])
def test_brackets_in_strings_do_not_count(text: str) -> None:
    assert not is_deep(nested(DEEPEST, inside=text))
    assert is_deep(nested(DEEPEST + 1, inside=text))
