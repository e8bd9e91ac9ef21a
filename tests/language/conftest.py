"""What tests of the compiler share."""

from __future__ import annotations

import pytest

from ecqm.language.conversions import ConversionTable
from tests.language.shop import conversions


@pytest.fixture
def table() -> ConversionTable:
    """The conversions of the language and of the types of `shop`, without promotions."""
    return conversions()
