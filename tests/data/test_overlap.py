"""A patient in several sources is refused, as each would be evaluated with a part of the data."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecqm.cluster.units import units_of
from ecqm.data import EVERYTHING, DataError
from ecqm.data.loading.load import load
from ecqm.data.source import PatientData
from ecqm.terminology import CodeIndex

from .resources import encounter, patient, write


def export(folder: Path, *names: str) -> Path:
    write(folder / "Patient.ndjson", *map(patient, names))
    return folder


def store(folder: Path, *names: str) -> Path:
    load([export(folder / "files", *names)], folder / "store")
    return folder / "store"


@pytest.mark.parametrize("unit_size", [1 << 20, 100])
def test_a_patient_in_a_store_and_in_files_is_named(tmp_path: Path, unit_size: int) -> None:
    data = PatientData([store(tmp_path / "a", "anna", "bert"), export(tmp_path / "b", "bert", "carl")])
    with pytest.raises(DataError, match=r"patient bert is in .*b and in .*store"):
        units_of(data, tmp_path / "spools", unit_size)


def test_a_patient_in_two_stores_is_named(tmp_path: Path) -> None:
    data = PatientData([store(tmp_path / "a", "anna", "bert"), store(tmp_path / "b", "anna")])
    with pytest.raises(DataError, match=r"patient anna is in .*a/store and in .*b/store"):
        units_of(data, tmp_path / "spools")
    with pytest.raises(DataError, match="patient anna"):
        data.batch_of("anna", data.stores[0].demand)


def test_different_patients_in_several_sources_are_evaluated(tmp_path: Path) -> None:
    stores = [store(tmp_path / "a", "anna"), store(tmp_path / "b", "bert")]
    assert len(units_of(PatientData([*stores, export(tmp_path / "c", "carl")]), tmp_path / "spools")) == 3


@pytest.mark.parametrize("unit_size", [1 << 20, 100])
def test_files_in_several_folders_are_put_together(tmp_path: Path, unit_size: int) -> None:
    export(tmp_path / "a", "anna")
    write(tmp_path / "a" / "Encounter.ndjson", encounter("e1", "anna"), encounter("e2", "anna"))
    write(tmp_path / "b" / "Encounter.ndjson", encounter("e2", "anna"), encounter("e3", "anna"))
    units = units_of(PatientData([tmp_path / "a", tmp_path / "b"]), tmp_path / "spools", unit_size)
    (cohort,) = (found for unit in units if len((found := unit.cohort(EVERYTHING, CodeIndex())).ids))
    assert cohort.ids == ("anna",)
    assert len(cohort.table("Encounter")) == 3
