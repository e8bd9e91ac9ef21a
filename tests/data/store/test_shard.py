"""A shard: what was written comes back, the JSON is where a load has put it, and all of it is whole."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from ecqm.columns import ConceptColumn
from ecqm.data import EVERYTHING, Cohort, DataError, Demand, ElementNotRead, read_cases, read_files
from ecqm.data.loading import load as loading_module
from ecqm.data.loading.load import load
from ecqm.data.store.shard import CorruptShard, Shard
from ecqm.data.store.shard_writer import write_shard
from ecqm.data.store.spool import read_spools
from ecqm.data.store.store import FORMAT, MANIFEST, open_store
from ecqm.terminology import CodeIndex
from tests.content import CONTENT
from tests.data.resources import bundle, encounter, observation, patient, write
from tests.data.stores import assert_same_cohort, content_of, export, load_killed, load_small, varied

DECK = CONTENT / "ecqm-content-qicore-2025/input/tests/measure/CMS122FHIRDiabetesAssessGreaterThan9Percent"
WIDER = Demand.of(None, ["id", "location"])


class TestShards:
    def stored(self, folder: Path, cohort: Cohort, demand: Demand) -> Shard:
        return Shard(folder, write_shard(folder, cohort), demand, 0)

    @pytest.mark.parametrize("demand", [EVERYTHING, Demand.of(None, ["value", "period", "diagnosis", "rank", "code"])])
    def test_columns_come_back(self, tmp_path: Path, demand: Demand) -> None:
        cohort = read_files([write(tmp_path / "b.json", bundle(*varied()))], demand)
        assert_same_cohort(cohort, self.stored(tmp_path / "shard", cohort, demand).cohort(demand))

    @pytest.mark.skipif(not DECK.is_dir(), reason="published measure content is not at hand")
    def test_a_published_deck_comes_back(self, tmp_path: Path) -> None:
        cohort = read_cases(sorted(DECK.glob("*/")))
        assert_same_cohort(cohort, self.stored(tmp_path / "shard", cohort, EVERYTHING).cohort(EVERYTHING))

    def test_codes_are_those_of_the_reader(self, tmp_path: Path) -> None:
        cohort = read_files([write(tmp_path / "b.json", bundle(*varied()))])
        codes = CodeIndex()
        codes.intern("other", "code")
        again = self.stored(tmp_path / "shard", cohort, EVERYTHING).cohort(EVERYTHING, codes)
        column = again.table("Observation").element("code")
        assert isinstance(column, ConceptColumn)
        assert column.codes.ids[0] == codes.find("http://loinc.org", "4548-4")

    def test_what_is_not_among_the_columns_is_decoded(self, tmp_path: Path) -> None:
        demand = Demand.of(None, ["status"])
        cohort = read_files([write(tmp_path / "b.json", bundle(*varied()))], demand)
        shard = self.stored(tmp_path / "shard", cohort, demand)
        with pytest.raises(ElementNotRead):
            shard.cohort(demand).table("Encounter").element("type")
        with pytest.raises(KeyError):
            shard.cohort(demand).table("Encounter").element("nothing")
        more = Demand.of(["Encounter"], ["type"])
        assert shard.cohort(more).table("Encounter").element("type").valid.tolist() == [False, True]

    def test_a_damaged_file_is_named(self, tmp_path: Path) -> None:
        cohort = read_files([write(tmp_path / "b.json", bundle(*varied()))])
        shard = self.stored(tmp_path / "shard", cohort, EVERYTHING)
        path = tmp_path / "shard" / "Encounter.arrow"
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        with pytest.raises(CorruptShard, match=r"Encounter\.arrow"):
            shard.cohort(EVERYTHING)

    def test_contents_in_memory(self, tmp_path: Path) -> None:
        """A shard is read from the contents of those files that a demand needs, without its folder."""
        cohort = read_files([write(tmp_path / "b.json", bundle(*varied()))])
        folder = tmp_path / "shard"
        shard = self.stored(folder, cohort, Demand.of(["Patient", "Encounter"], ["status"]))
        stored, decoded = Demand.of(["Encounter"], ["status"]), Demand.of(["Encounter"], ["type"])
        contents = {
            demand: {name: pa.py_buffer((folder / name).read_bytes()) for name in shard.files(demand)}
            for demand in (stored, decoded)
        }
        assert set(contents[stored]) == {"patients.arrow", "codes.arrow", "problems.json", "Encounter.arrow"}
        assert "resources-0.spool" in contents[decoded]
        folder.rename(tmp_path / "gone")
        for demand in (stored, decoded):
            read = shard.in_memory(contents[demand]).cohort(demand)
            assert read.ids == cohort.ids and len(read.table("Encounter")) == len(cohort.table("Encounter"))


def shards_of(store: Path) -> list[Shard]:
    return open_store(store).shards


def plain(folder: Path) -> Path:
    """An export of which shards are made straight from spools: every line of it ends."""
    for file in export(folder).iterdir():
        file.write_bytes(file.read_bytes() + b"\n")
    return folder


def test_the_spool_is_the_json_of_the_shard(tmp_path: Path) -> None:
    load_small(plain(tmp_path / "in"), tmp_path / "store")
    for shard in shards_of(tmp_path / "store"):
        own = list(read_spools([shard.folder / "resources-0.spool"]))
        resources = list(shard.resources(["Encounter", "Patient"]))
        assert sorted(raw for lot in own for raw in lot.raws) == sorted(stored.raw for stored in resources)
        assert {name.rpartition(".")[2] for name in os.listdir(shard.folder)} == {"arrow", "spool", "json"}


@pytest.mark.parametrize("source", [plain, export])
def test_resources_come_by_type_and_patient(tmp_path: Path, source: Callable[[Path], Path]) -> None:
    load_small(source(tmp_path / "in"), tmp_path / "store")
    for shard in shards_of(tmp_path / "store"):
        ids = shard.patient_ids()
        found = [(stored.resource_type, stored.patient) for stored in shard.resources()]
        assert found == sorted(found)
        for stored in shard.resources(["Encounter"]):
            resource = json.loads(stored.raw)
            assert resource["subject"]["reference"] == f"Patient/{ids[stored.patient]}"
            assert stored.origin.entry is not None
            line = Path(stored.origin.file).read_bytes().split(b"\n")[stored.origin.entry - 1]
            assert line == stored.raw.rstrip()


def test_what_is_shared_is_there_once(tmp_path: Path) -> None:
    load_small(plain(tmp_path / "in"), tmp_path / "store")
    for shard in shards_of(tmp_path / "store"):
        (lot,) = read_spools([shard.folder / "shared.spool"])
        assert [json.loads(raw)["id"] for raw in lot.raws] == ["l1"]
        places = [stored.raw for stored in shard.resources(["Location"])]
        assert places == lot.raws * len(shard.patient_ids())
        table = shard.cohort(EVERYTHING).table("Location")
        assert [table.raw(row) for row in range(len(table))] == places


def test_contained_resources_are_in_the_json_of_what_contains_them(tmp_path: Path) -> None:
    inner = {"resourceType": "Observation", "id": "i"}
    resources = [patient(), observation("a"), observation("b", contained=[inner]), encounter("e", contained=[inner])]
    cohort = read_files([write(tmp_path / "b.json", bundle(*resources))])
    shard = Shard(tmp_path / "shard", write_shard(tmp_path / "shard", cohort), EVERYTHING, 0)
    assert sorted(json.loads(stored.raw)["id"] for stored in shard.resources()) == ["a", "b", "e", "p1"]
    table = shard.cohort(EVERYTHING).table("Observation")
    assert [bool(table.raw(row)) for row in range(len(table))] == (~table.contained).tolist()
    assert table.contained.sum() == 2
    assert shard.cohort(WIDER).table("Observation").contained.sum() == 2


def test_file_systems_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(source: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "Operation not permitted", str(target))

    source = plain(tmp_path / "in")
    load_small(source, tmp_path / "linked")
    monkeypatch.setattr("ecqm.data.store.shard_writer.os.link", refused)
    load_small(source, tmp_path / "copied")
    assert content_of(tmp_path / "copied") == content_of(tmp_path / "linked")


@pytest.mark.parametrize("name", ["resources-0.spool", "shared.spool"])
def test_damaged_json_is_named_where_it_is_needed(tmp_path: Path, name: str) -> None:
    load_small(plain(tmp_path / "in"), tmp_path / "store", demand=Demand.of(None, ["status"]))
    shard = shards_of(tmp_path / "store")[0]
    damaged = bytearray((shard.folder / name).read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (shard.folder / name).write_bytes(damaged)
    # The columns are whole.
    assert len(shard.cohort(shard.demand).table("Encounter"))
    for read in (lambda: list(shard.resources()), lambda: shard.cohort(WIDER)):
        with pytest.raises(CorruptShard, match=name):
            read()
    write(tmp_path / "night" / "Patient.ndjson", *(patient(f"p{number}") for number in range(40)))
    with pytest.raises(CorruptShard, match=name):
        load([tmp_path / "night"], tmp_path / "store", append=True)


class TestResourcesOfUnknownPatients:
    def late(self, folder: Path) -> Path:
        """A store where one observation has no patient, after an increment that has nothing to do with it."""
        source = plain(folder / "in")
        write(source / "Observation.ndjson", observation("o1", "late"), b"")
        load_small(source, folder / "store")
        # A location concerns every shard.
        write(folder / "night" / "Location.ndjson", {"resourceType": "Location", "id": "l1"})
        load([folder / "night"], folder / "store", append=True)
        return folder / "store"

    def test_they_are_no_ones(self, tmp_path: Path) -> None:
        store = self.late(tmp_path)
        assert "Observation" not in {stored.resource_type for shard in shards_of(store) for stored in shard.resources()}
        (lot,) = [lot for shard in shards_of(store) for lot in shard.lost() if len(lot)]
        assert (lot.patients, lot.types) == (["late"], ["Observation"])

    def test_they_wait_for_their_patient(self, tmp_path: Path) -> None:
        store = self.late(tmp_path)
        write(tmp_path / "next" / "Patient.ndjson", patient("late"))
        load([tmp_path / "next"], store, append=True)
        assert len(content_of(store)["late"]) == 2
        assert not any(len(lot) for shard in shards_of(store) for lot in shard.lost())
        found = next(
            stored
            for shard in shards_of(store)
            for stored in shard.resources()
            if stored.resource_type == "Observation"
        )
        assert Path(found.origin.file).name == "Observation.ndjson"

    def test_they_can_be_deleted(self, tmp_path: Path) -> None:
        store = self.late(tmp_path)
        gone = [{"request": {"method": "DELETE", "url": "Observation/o1"}}]
        write(tmp_path / "next" / "gone.json", {"resourceType": "Bundle", "type": "transaction", "entry": gone})
        load([tmp_path / "next"], store, append=True)
        assert not any(len(lot) for shard in shards_of(store) for lot in shard.lost())


class TestWhatALoadLeaves:
    def test_shards_outlive_spools_that_were_not_cleared_away(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A load that was killed at the very end: the next one begins with other spools of the same names."""
        store = tmp_path / "store"
        with monkeypatch.context() as context:
            context.setattr(loading_module._Loading, "_clean", lambda *_: None)
            load_small(plain(tmp_path / "in"), store)
        assert list((store / ".loading").glob("*/*.spool"))
        before, whole = open_store(store), content_of(store)
        write(tmp_path / "next" / "Encounter.ndjson", encounter("new", "p1"))
        load([tmp_path / "next"], store, append=True)
        assert sum(1 for shard in before.shards for _ in shard.resources()) == sum(map(len, whole.values()))
        after = content_of(store)
        assert {name for name in whole if after[name] != whole[name]} == {"p1"}

    def test_other_data_and_then_the_first_again(self, tmp_path: Path) -> None:
        store = tmp_path / "store"
        one, other = plain(tmp_path / "one"), export(tmp_path / "other", 30)
        for source, step in ((one, 6), (other, 1)):
            load_killed(source, store, step)
        load_small(one, store)
        load_small(one, tmp_path / "whole")
        assert content_of(store) == content_of(tmp_path / "whole")


def test_stores_of_another_format_are_refused(tmp_path: Path) -> None:
    load_small(export(tmp_path / "in", 3), tmp_path / "store")
    manifest = tmp_path / "store" / MANIFEST
    manifest.write_text(json.dumps(json.loads(manifest.read_bytes()) | {"format": 3}))
    with pytest.raises(DataError, match=f"a cohort store of format 3, not {FORMAT}"):
        open_store(tmp_path / "store")
