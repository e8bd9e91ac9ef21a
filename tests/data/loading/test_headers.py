"""Whose resources are: many at a time as one by one, and always in the same shard."""

from __future__ import annotations

import json

import msgspec
import numpy as np
import pytest

from ecqm.data.files.content import Block
from ecqm.data.loading.headers import UNREADABLE, decode_header, headers_of, patient_of
from tests.data.resources import Json, encounter, observation, patient

THEIRS = {"reference": "Patient/a"}
BLOCKS: list[list[Json]] = [
    [patient(id="a"), patient(id="b"), {"resourceType": "Patient"}],
    [observation("1", subject=THEIRS), observation("2", subject={"reference": "http://x/fhir/Patient/b/_history/1"})],
    [observation("1", subject=THEIRS), observation("2"), observation("3", subject={"reference": "Group/g"})],
    [observation("1", subject={"reference": "urn:uuid:1"}), observation("2", subject={"display": "nobody"})],
    [observation("1", patient=THEIRS), observation("2", subject=[THEIRS])],
    [{"resourceType": "Coverage", "id": "1", "subscriber": THEIRS, "beneficiary": {"reference": "Patient/b"}}],
    [{"resourceType": "Account", "id": "1", "subject": [{"reference": "Device/d"}, THEIRS]}],
    [{"resourceType": "Location", "id": "l"}],
    [{"resourceType": "Unheard", "id": "l", "patient": THEIRS}],
    [patient(id="a"), encounter("e", subject=THEIRS), {"resourceType": "Location", "id": "l"}],
]


def block(content: bytes) -> Block:
    return Block(1, memoryview(content), np.cumsum([len(line) for line in content.splitlines(keepends=True)]))


@pytest.mark.parametrize("resources", BLOCKS)
def test_together_as_one_by_one(resources: list[Json]) -> None:
    lines = [json.dumps(resource).encode() for resource in resources]
    types, patients = headers_of(block(b"\n".join(lines)))
    one_by_one = [decode_header(line) for line in lines]
    assert types.to_pylist() == [header.resourceType for header in one_by_one]
    assert patients.to_pylist() == [patient_of(header) for header in one_by_one]


@pytest.mark.parametrize("line", [b"{", b"[]", b'{"id":"a"}', b'{"resourceType":"Patient"} x', b'{"resourceType":1}'])
def test_lines_that_are_no_resource(line: bytes) -> None:
    with pytest.raises(UNREADABLE):
        headers_of(block(line))
    with pytest.raises(msgspec.MsgspecError):
        headers_of(block(b'{"resourceType":"Patient"}\n' + line))
