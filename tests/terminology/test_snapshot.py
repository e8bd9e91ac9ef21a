"""A snapshot of value sets, as it is sent to other processes."""

from __future__ import annotations

import pickle

from ecqm.terminology import Expansion, ValueSetSnapshot

STAYS = Expansion("http://example.org/ValueSet/stays", "2", "Stays", frozenset({("http://snomed.info/sct", "1")}), True)


class _Store:
    def find(self, identifier: str, version: str | None = None) -> Expansion | None:
        return STAYS if identifier.startswith(STAYS.url) and version in (None, "2") else None


def test_a_snapshot_has_what_was_wanted_and_at_hand() -> None:
    other = "http://example.org/ValueSet/other"
    wanted = [(STAYS.url, None), (f"{STAYS.url}|2", None), (other, None), (STAYS.url, "9")]
    snapshot: ValueSetSnapshot = pickle.loads(pickle.dumps(ValueSetSnapshot.of(_Store(), wanted)))
    assert snapshot.find(STAYS.url) == snapshot.find(STAYS.url, "2") == STAYS
    assert snapshot.find(f"{STAYS.url}|2") == STAYS
    assert snapshot.find(STAYS.url, "9") is None and snapshot.find(other) is None
