"""The identities of the resources of an increment: their names by type, of one shard, elsewhere, and of all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest

from ecqm.data.loading.identities import Identities, write_identities
from ecqm.data.store.spool import Spool
from tests.data.resources import Json, encounter, patient

LOCATION: Json = {"resourceType": "Location", "id": "l"}
NAMELESS: Json = {"resourceType": "Encounter", "status": "finished"}


def spooled(path: Path, resources: Sequence[Json], patient_id: str | None) -> Path:
    rows = [
        {
            "patient": patient_id,
            "urn": f"urn:{resource.get('id', 'none')}",
            "file": 0,
            "entry": entry,
            "json": json.dumps(resource).encode(),
            "type": resource["resourceType"],
        }
        for entry, resource in enumerate(resources)
    ]
    Spool(path).append(pa.RecordBatch.from_pylist(rows, Spool.SCHEMA))
    return path


@pytest.fixture
def written(tmp_path: Path) -> Path:
    shards = [
        (0, [spooled(tmp_path / "0", [patient("a"), encounter("e", "a")], "a")]),
        (1, [spooled(tmp_path / "1", [patient("b"), encounter("f", "b"), NAMELESS], "b")]),
    ]
    write_identities(tmp_path / "identities", spooled(tmp_path / "shared", [LOCATION], None), shards)
    return tmp_path / "identities"


def test_of_a_shard_and_elsewhere(written: Path) -> None:
    identities = Identities(written, 1)
    assert identities.of_shard["type"].to_pylist() == ["Patient", "Encounter", "Encounter"]
    assert identities.of_shard["id"].to_pylist() == ["b", "f", None]
    assert identities.elsewhere == {"Patient/a", "Encounter/e", "Location/l"}
    assert identities.of_patients(["Encounter"]) == {"Encounter/f"}


def test_shared_resources_are_known_by_id_and_by_urn(written: Path) -> None:
    assert set(Identities(written, 0).shared_names.to_pylist()) == {"Location/l", "urn:l"}


def test_resources_with_a_name_replace_older_ones_in_all_shards(written: Path) -> None:
    replaced = {name: set(ids.to_pylist()) for name, ids in Identities(written, 1).replaced(()).items()}
    assert replaced == {"Patient": {"a", "b"}, "Encounter": {"e", "f"}, "Location": {"l"}}


def test_those_of_the_shard_that_cannot_be_read_replace_nothing(written: Path) -> None:
    replaced = Identities(written, 1).replaced(["Encounter/f", "Encounter/e"])
    assert replaced["Encounter"].to_pylist() == ["e"]
