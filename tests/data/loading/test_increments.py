"""A store after increments is the store that one load of what they leave would have made, in either way of building."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from ecqm.data import EVERYTHING, Cohort, Demand
from ecqm.data.cohort.table import ResourceTable
from ecqm.data.loading import building as building_module
from ecqm.data.loading.load import load
from ecqm.data.parsing.plain import NotPlain
from ecqm.data.store.store import Manifest, open_store
from tests.data.resources import Json, coded, encounter, observation, patient, write
from tests.data.stores import assert_same, content_of, export, load_small

SOME = Demand.of(None, ["value", "period", "location", "code", "birthDate", "device"])
Key = tuple[str, str]


def not_straight(*_: object) -> None:
    raise NotPlain("the other way is wanted")


def of(identifier: str) -> Json:
    return {"reference": identifier}


def shared(resource_type: str, identifier: str, **elements: Any) -> Json:
    return {"resourceType": resource_type, "id": identifier, **elements}


def night(folder: Path, resources: Sequence[Json], deleted: Sequence[str] = ()) -> Path:
    """The files of an increment."""
    folder.mkdir(parents=True)
    for resource in resources:
        with (folder / f"{resource['resourceType']}.ndjson").open("a") as file:
            file.write(json.dumps(resource) + "\n")
    if deleted:
        entries = [{"request": {"method": "DELETE", "url": name}} for name in deleted]
        write(folder / "gone.json", {"resourceType": "Bundle", "type": "transaction", "entry": entries})
    return folder


class Records:
    """Resources as they are after increments, and increments at random."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self.now: dict[Key, Json] = {}

    def take(self, resources: Sequence[Json], deleted: Sequence[str] = ()) -> None:
        for resource in resources:
            # What cannot be read replaces nothing.
            if resource.get("meta") != 5:
                self.now[resource["resourceType"], resource["id"]] = resource
        for name in deleted:
            resource_type, _, identifier = name.partition("/")
            self.now.pop((resource_type, identifier), None)

    def increment(self, size: int) -> tuple[list[Json], list[str]]:
        new = {(each["resourceType"], each["id"]): each for each in (self._any() for _ in range(size))}
        known = sorted(f"{name}/{identifier}" for name, identifier in self.now if (name, identifier) not in new)
        deleted = self._random.sample(known, min(len(known), self._random.choice((0, 0, 1, 3))))
        return list(new.values()), deleted

    def _any(self) -> Json:
        chance = self._random
        name = f"p{chance.randrange(7)}"
        number = chance.randrange(12)
        kind = chance.choice(
            ("patient", *["encounter"] * 4, *["observation"] * 6, "appointment", "device", "location", "organization")
        )
        if kind == "patient":
            return patient(name, gender=chance.choice(("male", "female")))
        if kind == "encounter":
            place = [{"location": of(f"Location/l{chance.randrange(4)}")}] if chance.random() < 0.6 else []
            return encounter(f"e{number}", name, location=place, status=chance.choice(("finished", "planned")))
        if kind == "appointment":
            # Of one patient, of several, or of none, who may be unknown.
            actors = [f"Patient/p{chance.randrange(7)}" for _ in range(chance.randrange(4))]
            actors.append(f"Location/l{chance.randrange(4)}")
            status: list[Json] = [{"status": "booked"}, {"status": "noshow"}, {"meta": 5}]
            participant = [{"actor": of(actor), "status": "accepted"} for actor in actors]
            return shared("Appointment", f"a{number % 4}", participant=participant, **chance.choice(status))
        if kind == "device":
            owner = {"patient": of(f"Patient/{name}")} if chance.random() < 0.5 else {}
            return shared("Device", f"d{number % 3}", **owner, lotNumber=str(chance.randrange(3)))
        if kind == "location":
            above = {"partOf": of(f"Location/l{chance.randrange(4)}")} if chance.random() < 0.5 else {}
            return shared("Location", f"l{number % 4}", **above, managingOrganization=of(f"Organization/o{number % 2}"))
        if kind == "organization":
            return shared("Organization", f"o{number % 2}", name=str(chance.random()))
        return observation(f"o{number}", name, **self._value())

    def _value(self) -> Json:
        chance = self._random
        values: list[Json] = [
            {},
            {"valueQuantity": {"value": chance.choice((1, 2.5, 10.125, 1e15, 0.00000012)), "unit": "mg"}},
            {"valueString": chance.choice("abcdef")},
            {"valueDateTime": "2026-01-02"},
            {"valueInteger": chance.randrange(5)},
            {"valuePeriod": {"start": "2026", "end": "2026-02-03"}},
            {"valueCodeableConcept": coded(chance.choice("xyz"), text="t")},
            {"component": [{"code": coded("c"), "valueTime": "10:00:00"}, {"valueRange": {"low": {"value": 1.5}}}]},
            {"device": of(f"Device/d{chance.randrange(3)}")},
            {"encounter": of(f"Encounter/e{chance.randrange(12)}"), "focus": [of("Location/l1")]},
            {
                "contained": [{"resourceType": "Device", "id": "in", "owner": of("Organization/o1")}],
                "device": of("#in"),
            },
            {"category": [{**coded("k"), "extension": [{"url": "u", "valueReference": of("Location/l2")}]}]},
            {"meta": 5},
            {"unknown": of("Location/l3"), "_status": {"extension": [{"url": "s", "valueDecimal": 1.5}]}},
        ]
        return chance.choice(values)


def described(cohort: Cohort, table: ResourceTable) -> list[tuple[str, ...]]:
    """What tells each row, but for the file that it was in."""
    containers = {
        int(serial): str(each.raw(row))
        for each in cohort.tables.values()
        for row, serial in enumerate(each.serial.tolist())
    }
    ids = table.ids.texts()
    return [
        (
            cohort.ids[table.patient[row]],
            str(ids[row]),
            str(table.raw(row)),
            containers[int(table.container[row])] if table.contained[row] else "",
        )
        for row in range(len(table))
    ]


def assert_equal(one: Cohort, other: Cohort) -> None:
    assert sorted(one.ids) == sorted(other.ids)
    assert set(one.tables) == set(other.tables)
    for name in one.tables:
        mine, theirs = one.table(name), other.table(name)
        assert mine.patient.tolist() == sorted(mine.patient.tolist())
        rows = [described(cohort, table) for cohort, table in ((one, mine), (other, theirs))]
        assert sorted(rows[0]) == sorted(rows[1])
        assert set(mine.elements) == set(theirs.elements), name
        orders = [np.array(sorted(range(len(found)), key=found.__getitem__), np.int64) for found in rows]
        for element in mine.elements:
            columns = [table.element(element).take(order) for table, order in zip((mine, theirs), orders, strict=True)]
            assert_same(*columns, f"{name}.{element}")


def whole(folder: Path, records: Mapping[Key, Json], demand: Demand) -> Manifest:
    """One load of resources."""
    night(folder / "in", [*records.values()])
    return load([folder / "in"], folder / "store", demand)


@pytest.fixture(params=["straight", "general"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The way in which increments are made. The straight way must never end in the other."""
    if request.param == "general":
        monkeypatch.setattr(building_module, "write_increment", not_straight)
    else:
        monkeypatch.setattr(building_module, "_Building", None)
    return str(request.param)


@pytest.mark.parametrize("demand", [EVERYTHING, SOME], ids=["everything", "some"])
@pytest.mark.parametrize("seed", range(4))
def test_increments_at_random(tmp_path: Path, way: str, seed: int, demand: Demand) -> None:
    records = Records(seed)
    first, _ = records.increment(60)
    records.take(first)
    # Without patients there is nothing to see.
    some = [patient(f"p{number}") for number in range(5)]
    records.take(some)
    store = tmp_path / "store"
    known = {(each["resourceType"], each["id"]): each for each in (*first, *some)}
    load([night(tmp_path / "0", [*known.values()])], store, demand)
    for number in range(1, 5):
        resources, deleted = records.increment(records._random.choice((1, 4, 15)))
        records.take(resources, deleted)
        manifest = load([night(tmp_path / f"{number}", resources, deleted)], store, append=True)
        expected = whole(tmp_path / f"whole{number}", records.now, demand)
        for name in ("patients", "patients_without_birth_date", "resources", "dangling_references"):
            assert manifest.report[name] == expected.report[name], name
        shards = [open_store(path).shards[0] for path in (store, tmp_path / f"whole{number}" / "store")]
        assert_equal(*(shard.cohort(demand) for shard in shards))
        lost = [sorted(raw for lot in shard.lost() for raw in lot.raws) for shard in shards]
        assert lost[0] == lost[1]


def folders(manifest: Manifest) -> list[str]:
    return [entry.folder for entry in manifest.shards]


def test_shards_without_changes_are_not_made_again(tmp_path: Path, way: str) -> None:
    """A deletion concerns the shard that has the resource, a shared resource the shards with references to it."""
    if way == "general":
        pytest.skip("only the straight way knows what a shard refers to")
    source = export(tmp_path / "in")
    nowhere = [{"location": of("Location/new")}]
    write(source / "Encounter.1.ndjson", encounter("e", "p7", location=nowhere), encounter("lost", "nobody"))
    before = load_small(source, tmp_path / "store")
    deleted = load([night(tmp_path / "1", [], ["Encounter/e0-p3"])], tmp_path / "store", append=True)
    assert len(set(folders(deleted)) - set(folders(before))) == 1
    assert len(content_of(tmp_path / "store")["p3"]) == 3
    arrived = [shared("Location", "new"), shared("Location", "no one's")]
    after = load([night(tmp_path / "2", arrived)], tmp_path / "store", append=True)
    assert len(set(folders(after)) - set(folders(deleted))) == 1
    assert sum('"new"' in raw for raw in content_of(tmp_path / "store")["p7"]) == 1
    same = load([night(tmp_path / "3", [], ["Encounter/none"])], tmp_path / "store", append=True)
    assert folders(same) == folders(after)


def test_a_resource_moves_to_a_patient_of_another_shard(tmp_path: Path, way: str) -> None:
    load_small(export(tmp_path / "in"), tmp_path / "store")
    moved = [encounter("e1-p0", f"p{number}") for number in range(1, 40)]
    for number, visit in enumerate(moved):
        load([night(tmp_path / str(number), [visit])], tmp_path / "store", append=True)
        found = [name for name, raws in content_of(tmp_path / "store").items() if any('"e1-p0"' in raw for raw in raws)]
        assert found == [f"p{number + 1}"]
        if number == 4:
            break


def test_patients_are_replaced_with_all_that_was_theirs(tmp_path: Path, way: str) -> None:
    source = export(tmp_path / "in", 5)
    write(source / "Observation.ndjson", observation("o", "late"), observation("other", "nobody"))
    load_small(source, tmp_path / "store")
    new = [patient("p1"), encounter("only", "p1"), patient("late"), encounter("first", "late")]
    load([night(tmp_path / "new", new)], tmp_path / "store", replace_patients=True)
    after = content_of(tmp_path / "store")
    assert [json.loads(raw)["id"] for name in ("p1", "late") for raw in after[name]] == ["only", "p1", "first", "late"]
    assert len(after["p2"]) == 4


def test_problems_stay_with_what_they_are_about(tmp_path: Path, way: str) -> None:
    """What was wrong with a resource is not listed any more when it is replaced, or when its patient comes."""
    wrong = encounter("e1", "p1", period={"start": "2026-02-30"})
    resources = [patient("p1"), patient("p2"), wrong, {**wrong, "id": "e2"}, observation("o", "late")]
    load([night(tmp_path / "0", resources)], tmp_path / "store")
    listed = load([night(tmp_path / "1", [encounter("e1", "p2")])], tmp_path / "store", append=True).report["listed"]
    assert sorted(problem["resource"] for problem in listed) == ["Encounter/e2", "Observation/o"]
    listed = load([night(tmp_path / "2", [patient("late")])], tmp_path / "store", append=True).report["listed"]
    assert [problem["resource"] for problem in listed] == ["Encounter/e2"]


def test_resources_without_an_id_are_not_doubled(tmp_path: Path, way: str) -> None:
    nameless = [{"resourceType": "Observation", "status": status, "subject": of("Patient/p1")} for status in "ab"]
    load([night(tmp_path / "0", [patient("p1"), nameless[0]])], tmp_path / "store")
    manifest = load([night(tmp_path / "1", nameless)], tmp_path / "store", append=True)
    assert manifest.report["resources"] == {"Observation": 2, "Patient": 1}


def test_a_store_does_not_grow_without_bound(tmp_path: Path, way: str) -> None:
    """The same resource, changed every night: what is not used any more is a third of all at most."""
    load([night(tmp_path / "0", [patient("p1"), *(observation(f"o{number}", "p1") for number in range(20))])],
         tmp_path / "store")  # fmt: skip
    for number in range(1, 40):
        changed = observation("o1", "p1", valueInteger=number)
        manifest = load([night(tmp_path / f"{number}", [changed])], tmp_path / "store", append=True)
        assert manifest.report["resources"] == {"Observation": 20, "Patient": 1}
        assert len(open_store(tmp_path / "store").shards[0].json) <= 21 * 3 / 2


def test_data_that_has_to_take_the_general_way(tmp_path: Path) -> None:
    """A number with too many digits, in the first load or in a later one."""
    odd = observation("odd", "p1", valueQuantity={"value": 1})
    many = json.dumps(odd).replace('"value": 1}', '"value": 1' + "0" * 30 + "}").encode()
    write(night(tmp_path / "0", [patient("p1"), patient("p2")]) / "Observation.ndjson", many)
    load([tmp_path / "0"], tmp_path / "store")
    for number in range(1, 4):
        changed = [observation(f"o{number}", "p2"), shared("Location", "l1")]
        manifest = load([night(tmp_path / f"{number}", changed)], tmp_path / "store", append=True)
        assert manifest.report["resources"] == {"Observation": number + 1, "Patient": 2}


class _Stopped(Exception):
    pass


class _Stop:
    """Stops a load after so many shards."""

    def __init__(self, shards: int) -> None:
        self._left = shards

    def sorted(self, size: int, total: int) -> None: ...

    def built(self, shards: int) -> None:
        self._left -= 1
        if not self._left:
            raise _Stopped


def test_an_increment_goes_on_where_it_was_stopped(tmp_path: Path, way: str) -> None:
    changed = [encounter(f"e0-p{number}", f"p{number}", status="cancelled") for number in range(0, 40, 3)]
    increment = night(tmp_path / "night", [*changed, shared("Location", "l1", name="new")], ["Encounter/e1-p1"])
    for name in ("stopped", "whole"):
        load_small(export(tmp_path / "in"), tmp_path / name)
    before = content_of(tmp_path / "stopped")
    for shards in (1, 2, 3):
        with pytest.raises(_Stopped):
            load([increment], tmp_path / "stopped", append=True, watcher=_Stop(shards))
        assert content_of(tmp_path / "stopped") == before
    for name in ("stopped", "whole"):
        load([increment], tmp_path / name, append=True)
    assert content_of(tmp_path / "stopped") == content_of(tmp_path / "whole") != before
