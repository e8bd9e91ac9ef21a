"""Elements as columns: layouts, types, choices, lists, extensions, and what cannot be represented."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecqm.columns import (
    BooleanColumn,
    ChoiceColumn,
    CodeColumn,
    Column,
    ConceptColumn,
    DateColumn,
    DateTimeColumn,
    DecimalColumn,
    IntegerColumn,
    ListColumn,
    NullColumn,
    RecordColumn,
    StringColumn,
    TimeColumn,
)
from ecqm.data import EVERYTHING, Cohort, Demand, ElementNotRead, read_files
from ecqm.data.fhir.schema import fhir_schema
from ecqm.types import NamedType, parse_type
from tests.data.resources import bundle, coded, encounter, observation, patient, write


def cohort_of(tmp_path: Path, *resources: Any, demand: Demand = EVERYTHING, **options: Any) -> Cohort:
    return read_files([write(tmp_path / "record.json", bundle(*resources))], demand, **options)


def field(column: Column, *names: str) -> Column:
    for name in names:
        assert isinstance(column, RecordColumn)
        column = column.field(name)
    return column


def test_every_primitive_has_its_layout(tmp_path: Path) -> None:
    cohort = cohort_of(
        tmp_path,
        patient(active=True, multipleBirthInteger=2, deceasedDateTime="2026", gender="female"),
        observation("o1", valueTime="08:30:00", issued="2026-01-01T00:00:00Z"),
        observation("o2", valueQuantity={"value": 7.10, "unit": "%"}),
    )
    table = cohort.table("Patient")
    expected = {
        "active": (BooleanColumn, "FHIR.boolean"),
        "multipleBirth": (IntegerColumn, "FHIR.integer"),
        "deceased": (DateTimeColumn, "FHIR.dateTime"),
        "birthDate": (DateColumn, "FHIR.date"),
        "gender": (StringColumn, "FHIR.AdministrativeGender"),
    }
    for name, (layout, type_) in expected.items():
        column = table.element(name)
        assert (type(column), column.type) == (layout, parse_type(type_)), name
        assert column.valid.tolist() == [True]
    value = cohort.table("Observation").element("value")
    assert isinstance(value, ChoiceColumn)
    assert [type(part) for part in value.alternatives] == [RecordColumn, TimeColumn]
    assert value.type == parse_type("Choice<FHIR.Quantity, FHIR.time>")
    number = field(value.alternatives[0], "value")
    assert isinstance(number, DecimalColumn)
    assert number.valid.tolist() == [False, True]
    assert Decimal(int(number.unscaled[1])).scaleb(-number.scale) == Decimal("7.1")


def test_decimals_are_exact(tmp_path: Path) -> None:
    written = ["0.1", "1234567890123456789.5", "-3", "1e-8", "2E3", "0.30000000000000000001"]
    lines = [
        f'{{"resourceType":"Observation","id":"o{i}","subject":{{"reference":"Patient/p1"}},'
        f'"valueQuantity":{{"value":{text}}}}}'.encode()
        for i, text in enumerate(written)
    ]
    write(tmp_path / "Patient.ndjson", patient())
    write(tmp_path / "Observation.ndjson", *lines)
    column = field(read_files([tmp_path]).table("Observation").element("value"), "value")
    assert isinstance(column, DecimalColumn)
    values = [Decimal(int(value)) / Decimal(10) ** column.scale for value in column.unscaled[[0, 2, 3, 4]]]
    assert values == [Decimal("0.1"), Decimal(-3), Decimal("0.00000001"), Decimal(2000)]
    assert int(column.unscaled[1]) == int(Decimal("1234567890123456789.5").scaleb(column.scale))
    assert int(column.unscaled[5]) == 30000000000000000001


def test_date_times_keep_precision_and_offset(tmp_path: Path) -> None:
    cohort = cohort_of(
        tmp_path,
        patient(),
        encounter("e1"),
        encounter("e2", period={"start": "2026-01", "end": "2026-01-05T10:00:00"}),
        default_offset=-300,
    )
    start = field(cohort.table("Encounter").element("period"), "start")
    end = field(cohort.table("Encounter").element("period"), "end")
    assert isinstance(start, DateTimeColumn) and isinstance(end, DateTimeColumn)
    assert start.offset.tolist() == [-300, -300]
    assert start.precision.tolist() == [5, 1]
    assert end.offset.tolist() == [0, -300]
    assert (end.low[0] - start.low[0]) == (9 - 13) * 3_600_000 + 250
    assert start.local[1] == 1_767_225_600_000


def test_impossible_dates_are_null_and_reported(tmp_path: Path) -> None:
    cohort = cohort_of(
        tmp_path,
        patient(birthDate="2026-02-30"),
        encounter("e1", period={"start": "0000", "end": "2026-01-02"}),
        encounter("e2", period={"start": "20260102", "end": "2026-01-02"}),
    )
    cohort.settle()
    assert cohort.table("Patient").element("birthDate").valid.tolist() == [False]
    period = cohort.table("Encounter").element("period")
    assert field(period, "start").valid.tolist() == [False, False]
    assert field(period, "end").valid.tolist() == [True, True]
    found = sorted((str(problem.resource), problem.message.split("'")[1]) for problem in cohort.problems)
    assert found == [("Encounter/e1", "0000"), ("Encounter/e2", "20260102"), ("Patient/p1", "2026-02-30")]
    assert all(problem.file.endswith("record.json") and problem.patient == "p1" for problem in cohort.problems)


def test_numbers_beyond_sense_are_null_and_reported(tmp_path: Path) -> None:
    text = (
        b'{"resourceType":"Observation","id":"o1","subject":{"reference":"Patient/p1"},"valueQuantity":{"value":1e999}}'
    )
    write(tmp_path / "Observation.ndjson", text)
    write(tmp_path / "Patient.ndjson", patient(multipleBirthInteger=2**40))
    cohort = read_files([tmp_path])
    cohort.settle()
    assert not field(cohort.table("Observation").element("value"), "value").valid.any()
    assert not cohort.table("Patient").element("multipleBirth").valid.any()
    assert len(cohort.problems) == 2


def test_codes_are_ids_of_the_index(tmp_path: Path) -> None:
    cohort = cohort_of(
        tmp_path,
        patient(),
        encounter("e1", **{"class": {"system": "urn:oid:2.16.840.1.113883.6.1", "code": "a"}}, type=[coded("b", "c")]),
        observation("o1", code=coded("a", text="an A")),
        observation("o2", code={"text": "no coding"}),
    )
    class_ = cohort.table("Encounter").element("class")
    code = cohort.table("Observation").element("code")
    assert isinstance(class_, CodeColumn) and isinstance(code, ConceptColumn)
    assert class_.ids[0] == cohort.codes.find("http://loinc.org", "a") == code.codes.ids[0]
    assert code.offsets.tolist() == [0, 1, 1]
    assert code.valid.all()
    assert code.display is not None and code.display.texts() == ["an A", "no coding"]
    types = cohort.table("Encounter").element("type")
    assert isinstance(types, ListColumn) and isinstance(types.values, ConceptColumn)
    assert types.offsets.tolist() == [0, 1]
    assert len(types.values.codes) == 2


def test_lists_and_backbone_elements(tmp_path: Path) -> None:
    diagnosis = [{"rank": 1, "condition": {"reference": "Condition/c1"}}, {"rank": 2}]
    cohort = cohort_of(tmp_path, patient(), encounter("e1"), encounter("e2", diagnosis=diagnosis))
    column = cohort.table("Encounter").element("diagnosis")
    assert isinstance(column, ListColumn)
    assert column.valid.tolist() == [False, True]
    assert column.offsets.tolist() == [0, 0, 2]
    assert column.values.type == NamedType("FHIR", "Encounter.Diagnosis")
    rank = field(column.values, "rank")
    assert isinstance(rank, IntegerColumn)
    assert rank.values.tolist() == [1, 2]
    assert field(column.values, "condition").valid.tolist() == [True, False]


def test_what_does_not_occur_is_null(tmp_path: Path) -> None:
    table = cohort_of(tmp_path, patient(), encounter("e1")).table("Encounter")
    assert isinstance(table.element("location"), NullColumn)
    assert len(table.element("location")) == 1
    with pytest.raises(KeyError):
        table.element("nothing")


def test_extensions_of_primitives_and_concepts(tmp_path: Path) -> None:
    absent = {"extension": [{"url": "http://example.org/absent", "valueCode": "unknown"}]}
    cohort = cohort_of(
        tmp_path,
        patient(birthDate=None, _birthDate=absent, name=[{"given": [None, "B"], "_given": [absent, None]}]),
        observation("o1", code={**coded("a"), **absent}, _effectiveDateTime=absent),
        observation("o2"),
    )
    table = cohort.table("Patient")
    assert not table.element("birthDate").valid.any()
    extension = field(table.element("_birthDate"), "extension")
    assert isinstance(extension, ListColumn)
    url, value = field(extension.values, "url"), field(extension.values, "value")
    assert isinstance(url, StringColumn) and url.texts() == ["http://example.org/absent"]
    assert isinstance(value, StringColumn) and value.texts() == ["unknown"]
    names = table.element("name")
    assert isinstance(names, ListColumn)
    given, beside = field(names.values, "given"), field(names.values, "_given")
    assert isinstance(given, ListColumn) and isinstance(beside, ListColumn)
    assert given.values.valid.tolist() == [False, True]
    assert beside.values.valid.tolist() == [True, False]
    observations = cohort.table("Observation")
    code = observations.element("code")
    assert isinstance(code, ConceptColumn) and isinstance(code.beside, RecordColumn)
    assert code.beside.field("extension").valid.tolist() == [True, False]
    assert code.codes.beside is None
    assert observations.element("_effective").valid.tolist() == [True, False]
    assert isinstance(observations.element("effective"), NullColumn)


def test_what_codings_hold_beside_their_codes(tmp_path: Path) -> None:
    absent = {"extension": [{"url": "http://example.org/absent", "valueCode": "unknown"}]}
    codings = [{"code": "a"}, {"code": "b", "userSelected": True}, absent]
    classes = [encounter(f"e{number}", **{"class": coding}) for number, coding in enumerate(codings)]
    cohort = cohort_of(tmp_path, patient(), observation("o1", code={"coding": codings}), *classes)
    concepts = cohort.table("Observation").element("code")
    assert isinstance(concepts, ConceptColumn) and concepts.beside is None
    for column in (concepts.codes, cohort.table("Encounter").element("class")):
        assert isinstance(column, CodeColumn) and isinstance(column.beside, RecordColumn)
        assert column.valid.tolist() == [True, True, False]
        assert set(column.beside.fields) == {"extension", "userSelected"}
        assert column.beside.field("extension").valid.tolist() == [False, False, True]
        assert column.beside.field("userSelected").valid.tolist() == [False, True, False]
        moved = column.take(np.array([2, 0])).concat([column.where(np.array([True, True, False]))]).beside
        assert moved is not None and moved.valid.tolist() == [True, False, False, True, False]


def test_nested_extensions(tmp_path: Path) -> None:
    race = {
        "url": "race",
        "extension": [{"url": "code", "valueCoding": {"code": "x"}}, {"url": "text", "valueString": "X"}],
    }
    cohort = cohort_of(tmp_path, patient(extension=[race]))
    outer = cohort.table("Patient").element("extension")
    assert isinstance(outer, ListColumn)
    inner = field(outer.values, "extension")
    assert isinstance(inner, ListColumn)
    value = field(inner.values, "value")
    assert isinstance(value, ChoiceColumn)
    assert value.tag.tolist() == [1, 0] or value.tag.tolist() == [0, 1]


def test_the_first_of_several_types_of_a_choice(tmp_path: Path) -> None:
    cohort = cohort_of(tmp_path, patient(), observation("o1", valueString="s", valueBoolean=True))
    value = cohort.table("Observation").element("value")
    assert isinstance(value, ChoiceColumn)
    assert sum(part.valid.sum() for part in value.alternatives) == 1


def test_profiles(tmp_path: Path) -> None:
    cohort = cohort_of(tmp_path, patient(), encounter("e1", meta={"profile": ["a", "b"]}), encounter("e2"))
    profiles = cohort.table("Encounter").profiles
    assert profiles.offsets.tolist() == [0, 2, 2]
    assert isinstance(profiles.values, StringColumn) and profiles.values.texts() == ["a", "b"]
    assert len(cohort.table("Patient").profiles) == 1


class TestDemand:
    demand = Demand.of(["Encounter"], ["status", "period", "start"])

    def test_only_what_is_named_is_read(self, tmp_path: Path) -> None:
        cohort = cohort_of(tmp_path, patient(), encounter("e1", type=[coded("a")]), demand=self.demand)
        table = cohort.table("Encounter")
        assert table.element("status").valid.all()
        assert table.ids.texts() == ["e1"]
        # A period is read whole: conversions need its end, which nobody names.
        assert field(table.element("period"), "end").valid.all()
        with pytest.raises(ElementNotRead):
            table.element("type")
        with pytest.raises(LookupError):
            cohort.table("Condition")

    def test_what_is_not_named_cannot_be_wrong(self, tmp_path: Path) -> None:
        cohort = cohort_of(tmp_path, patient(), encounter("e1", type="no list"), demand=self.demand)
        assert len(cohort.table("Encounter")) == 1
        assert not cohort.problems

    def test_values_of_whole_types_are_read_with_all_their_elements(self, tmp_path: Path) -> None:
        diagnosis = {"condition": {"reference": "Condition/c"}, "rank": 1, "_rank": {"extension": [{"url": "x"}]}}
        demand = Demand.of(["Encounter"], ["diagnosis"], fhir_schema().structured(["Encounter.Diagnosis"]))
        cohort = cohort_of(tmp_path, patient(), encounter("e1", diagnosis=[diagnosis]), demand=demand)
        column = cohort.table("Encounter").element("diagnosis")
        assert isinstance(column, ListColumn) and isinstance(column.values, RecordColumn)
        assert {"condition", "rank", "_rank"} <= set(column.values.fields)
        with pytest.raises(ElementNotRead):
            cohort.table("Encounter").element("extension")

    def test_union(self) -> None:
        both = self.demand | Demand.of(["Condition"], ["code"])
        assert both.types == {"Encounter", "Condition"}
        assert both.names == {"status", "period", "start", "code"}
        assert (self.demand | EVERYTHING) == EVERYTHING
        whole = Demand.of([], [], ["Timing"])
        assert (self.demand | whole).whole == {"Timing"}
        assert whole.covers(Demand.of([], [])) and not Demand.of([], []).covers(whole)
        assert (whole | EVERYTHING) == EVERYTHING


def test_settled_columns_stay(tmp_path: Path) -> None:
    cohort = cohort_of(tmp_path, patient(), encounter("e1", diagnosis=[{"rank": 1}]))
    cohort.settle()
    table = cohort.table("Encounter")
    diagnosis = table.element("diagnosis")
    assert isinstance(diagnosis, ListColumn)
    assert field(diagnosis.values, "rank").valid.all()
    assert table.raw(0) is not None
