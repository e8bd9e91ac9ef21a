"""Making many objects without the cycle collector (`ecqm.data.allocation`)."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from ecqm.data.allocation import many_objects


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    # What ran before in this process may have frozen its objects, as the command line does when it ends.
    gc.unfreeze()
    gc.enable()
    yield
    gc.unfreeze()
    gc.enable()


def test_the_collector_is_off_meanwhile_and_what_was_made_counts_as_old() -> None:
    with many_objects():
        assert not gc.isenabled()
        made: list[list[int]] = [[] for _ in range(50_000)]
    assert gc.isenabled() and not gc.get_freeze_count()
    assert len(gc.get_objects(generation=0)) < len(made)
    assert any(each is made[0] for each in gc.get_objects(generation=2))


def test_what_was_frozen_stays_frozen() -> None:
    gc.freeze()
    frozen = gc.get_freeze_count()
    with many_objects():
        pass
    assert gc.get_freeze_count() == pytest.approx(frozen, abs=100) and gc.isenabled()


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    with many_objects(), many_objects():
        pass
    assert not gc.isenabled()
