"""Services of the sample measures, without HTTP."""

from __future__ import annotations

import pytest

from ecqm.server.service import Served
from tests.server.samples import CASES, SAMPLE, STAY, Client


@pytest.fixture(scope="session")
def client() -> Client:
    """A service without patients."""
    return Client(Served(SAMPLE))


@pytest.fixture(scope="session")
def all_patients() -> Client:
    """A service with the patients of all cases of the measure of stays."""
    return Client(Served(SAMPLE, data=(CASES / STAY,)))
