"""Whose resources are: many at a time as one by one, and always in the same shard."""

from __future__ import annotations

import json

import msgspec
import numpy as np
import pytest

from ecqm.data.files.content import Block
from ecqm.data.loading.headers import UNREADABLE, decode_header, headers_of, patients_of
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
    [
        {"resourceType": "Appointment", "id": "1", "participant": [{"actor": {"reference": "Location/l"}}]},
        {"resourceType": "Appointment", "id": "2", "participant": [{"actor": THEIRS}, {"status": "accepted"}]},
        {"resourceType": "Appointment", "id": "3"},
    ],
    [{"resourceType": "Location", "id": "l"}, {"resourceType": "Provenance", "target": [{"display": "x"}, THEIRS]}],
    [{"resourceType": "Unheard", "id": "l", "patient": THEIRS}],
    [patient(id="a"), encounter("e", subject=THEIRS), {"resourceType": "Location", "id": "l"}],
]


def block(content: bytes) -> Block:
    return Block(1, memoryview(content), np.cumsum([len(line) for line in content.splitlines(keepends=True)]))


@pytest.mark.parametrize("resources", BLOCKS)
def test_together_as_one_by_one(resources: list[Json]) -> None:
    lines = [json.dumps(resource).encode() for resource in resources]
    types, patients, several = headers_of(block(b"\n".join(lines)))
    one_by_one = [decode_header(line) for line in lines]
    assert types.to_pylist() == [header.resourceType for header in one_by_one]
    found = [patients_of(header, line) for header, line in zip(one_by_one, lines, strict=True)]
    assert patients.to_pylist() == [next(iter(each), None) for each in found]
    assert not several


def test_several_patients() -> None:
    members = [{"entity": {"reference": f"Patient/{name}"}} for name in "ab"]
    lines = [json.dumps({"resourceType": "Group", "member": members[:n]}).encode() for n in (1, 2)]
    assert [patients_of(decode_header(line), line) for line in lines] == [["a"], ["a", "b"]]
    headers = headers_of(block(b"\n".join(lines)))
    assert headers.several
    assert headers.patients.to_pylist() == ["a", None]


@pytest.mark.parametrize("line", [b"{", b"[]", b'{"id":"a"}', b'{"resourceType":"Patient"} x', b'{"resourceType":1}'])
def test_lines_that_are_no_resource(line: bytes) -> None:
    with pytest.raises(UNREADABLE):
        headers_of(block(line))
    with pytest.raises(msgspec.MsgspecError):
        headers_of(block(b'{"resourceType":"Patient"}\n' + line))
