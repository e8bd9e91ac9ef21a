"""The order of versions (`ecqm.versions`)."""

from __future__ import annotations

import pytest

from ecqm.versions import version_key


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        (None, "0.1"),
        ("9.0.0", "10.0.0"),
        ("4.1", "4.1.000"),
        ("4.9.001", "4.10.0"),
        ("1.0.0-ballot", "1.0.0"),
        ("1.0.0-ballot", "1.0.0-snapshot"),
        ("0.9.0", "1.0.0-ballot"),
        ("20230101", "20240101"),
        ("2024-12-31", "2025-01-01"),
        ("9" * 5_000, "1" + "0" * 5_000),
        ("1.²", "1.2"),
    ],
)
def test_versions_have_an_order(earlier: str | None, later: str) -> None:
    assert version_key(earlier) < version_key(later)


def test_zeros_in_front_do_not_count() -> None:
    assert version_key("4.1.000") == version_key("4.1.0")
