"""Fixtures for tests of runs over many shards."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cluster import cohorts


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cohorts.write_store(tmp_path_factory.mktemp("cohort"))
