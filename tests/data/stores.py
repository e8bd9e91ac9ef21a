"""Stores of small exports, and cohorts held against each other."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from ecqm.columns import (
    ChoiceColumn,
    CodeColumn,
    Column,
    ConceptColumn,
    DecimalColumn,
    ListColumn,
    NullColumn,
    RecordColumn,
    TemporalColumn,
    to_values,
)
from ecqm.data import Cohort
from ecqm.data.loading.load import load
from ecqm.data.store.store import Manifest, open_store

from .resources import Json, coded, encounter, observation, patient, write

_KILLED = """
import os, signal, sys
from pathlib import Path
from ecqm.data.loading import partition
from ecqm.data.loading.load import load
partition._BETWEEN_NOTES = 1000
class Killer:
    def __init__(self): self.steps = 0
    def step(self):
        self.steps += 1
        if self.steps == int(sys.argv[3]): os.kill(os.getpid(), signal.SIGKILL)
    def sorted(self, size, total): self.step()
    def built(self, shards): self.step()
load([Path(sys.argv[1])], Path(sys.argv[2]), shard_size=4_000, watcher=Killer(), jobs=int(sys.argv[4]))
"""


def assert_same(one: Column, other: Column, path: str) -> None:
    if isinstance(one, NullColumn) or isinstance(other, NullColumn):
        assert not one.valid.any() and not other.valid.any(), path
        return
    assert (type(one), one.type, len(one)) == (type(other), other.type, len(other)), path
    assert (one.valid == other.valid).all(), path
    if isinstance(one, RecordColumn) and isinstance(other, RecordColumn):
        assert set(one.fields) == set(other.fields), path
        for name in one.fields:
            assert_same(one.field(name), other.field(name), f"{path}.{name}")
    elif isinstance(one, ListColumn) and isinstance(other, ListColumn):
        assert (one.offsets == other.offsets).all(), path
        assert_same(one.values, other.values, path)
    elif isinstance(one, ChoiceColumn) and isinstance(other, ChoiceColumn):
        assert (one.tag == other.tag).all(), path
        for part, its_like in zip(one.alternatives, other.alternatives, strict=True):
            assert_same(part, its_like, path)
    elif isinstance(one, (ConceptColumn, CodeColumn, TemporalColumn)):
        assert to_values(one) == to_values(other), path
        if isinstance(one, ConceptColumn) and isinstance(other, ConceptColumn):
            assert_same(one.codes, other.codes, f"{path}.coding")
        if isinstance(one, (ConceptColumn, CodeColumn)) and isinstance(other, (ConceptColumn, CodeColumn)):
            mine, theirs = (NullColumn(len(one)) if each is None else each for each in (one.beside, other.beside))
            assert_same(mine, theirs, f"{path} beside")
    elif isinstance(one, DecimalColumn) and isinstance(other, DecimalColumn):
        # The scale is that of what was written, or the least.
        scale = max(one.scale, other.scale)
        assert (one.at_scale(scale) == other.at_scale(scale))[one.valid].all(), path
    else:
        assert (one.keys() == other.keys()).all(), path


def assert_same_cohort(one: Cohort, other: Cohort) -> None:
    assert one.ids == other.ids
    assert {name for name, table in one.tables.items() if len(table)} == set(other.tables)
    for name in other.tables:
        mine, theirs = one.table(name), other.table(name)
        assert mine.patient.tolist() == theirs.patient.tolist()
        assert mine.container.tolist() == theirs.container.tolist()
        assert [mine.raw(row) for row in range(len(mine))] == [theirs.raw(row) for row in range(len(theirs))]
        assert [mine.origin(row) for row in range(len(mine))] == [theirs.origin(row) for row in range(len(theirs))]
        assert set(mine.elements) == set(theirs.elements)
        for element in mine.elements:
            assert_same(mine.element(element), theirs.element(element), f"{name}.{element}")


def varied() -> list[Json]:
    """A record that has every layout in it."""
    absent = {"extension": [{"url": "absent", "valueCode": "unknown"}]}
    return [
        patient(active=True, _birthDate=absent, multipleBirthInteger=2, name=[{"given": ["A", "B"]}]),
        encounter("e1", **{"class": {"system": "s", "code": "c", "display": "d", "version": "1"}}),
        encounter("e2", diagnosis=[{"rank": 1}, {"condition": {"reference": "Condition/c"}}], type=[coded("x")]),
        observation("o1", valueQuantity={"value": 1.25, "unit": "mg"}),
        observation("o2", valueTime="10:30:00"),
        observation("o3", valueCodeableConcept=coded("a", "b", text="both"), effectiveDateTime="2026-02"),
        observation("o4", valueQuantity={"value": 1e40}),
    ]


def export(folder: Path, patients: int = 40) -> Path:
    """A small bulk export: two encounters for each patient, and a location that some share."""
    ids = [f"p{i}" for i in range(patients)]
    write(folder / "Patient.ndjson", *(patient(name) for name in ids))
    here = [{"location": {"reference": "Location/l1"}}]
    visits = [encounter(f"e{i}-{name}", name, location=here if i else []) for i in range(2) for name in ids]
    write(folder / "Encounter.ndjson", *visits)
    write(
        folder / "Location.ndjson", {"resourceType": "Location", "id": "l1"}, {"resourceType": "Location", "id": "l2"}
    )
    return folder


def content_of(store: Path) -> dict[str, list[str]]:
    """Every patient with the JSON of their resources."""
    found: dict[str, list[str]] = {}
    for shard in open_store(store).shards:
        ids = shard.patient_ids()
        for stored in shard.resources():
            found.setdefault(ids[stored.patient], []).append(stored.raw.decode())
    return {name: sorted(raws) for name, raws in found.items()}


def load_small(source: Path, store: Path, **options: Any) -> Manifest:
    """Load into several shards although there is little to load."""
    return load([source], store, shard_size=4_000, **options)


def load_killed(source: Path, store: Path, step: int, jobs: int = 1) -> None:
    """Load as `load_small` does, in a process of its own that is killed after so many steps."""
    script = [sys.executable, "-c", _KILLED, str(source), str(store), str(step), str(jobs)]
    killed = subprocess.run(script, capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
