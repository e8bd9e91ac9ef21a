"""The Python API on the sample measures: the same in one process and in several, from files and from stores."""

from __future__ import annotations

import pydoc
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import ecqm
from ecqm.data import read_files
from ecqm.measures.definition import MeasureError
from tests.bundles.packages.stays import TWO_STAYS, deck
from tests.cli.samples import KIDNEY, PERIOD, SAMPLE, STAY, copy_of_sample, stay
from tests.cluster import cohorts
from tests.data.qdm.patients import patient
from tests.data.resources import bundle, write

# As somebody would write it: without a guard against being run once more by another process.
SCRIPT = f"""
import sys
import ecqm
from ecqm.cluster import run
run._FEW_RESOURCES = 0
result = ecqm.evaluate(ecqm.select({str(SAMPLE)!r}), ecqm.load(sys.argv[1]), {PERIOD!r}, jobs=2, memory=1)
print(result.patients, result.measure({STAY!r}).groups[0].score(), result.table.num_rows, len(result.populations))
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name in ("p1", "p2", "p3"):
        write(tmp_path / "data" / f"{name}.json", bundle(*stay(name)))
    return tmp_path / "data"


def test_python_api(tmp_path: Path, data: Path) -> None:
    measures = ecqm.select(SAMPLE, [STAY])
    patients = ecqm.load(data)
    result = ecqm.evaluate(measures, patients, PERIOD)
    assert result.patients == 3
    assert result.table.column("patient").to_pylist() == ["p1", "p2", "p3"]
    assert result.measure(STAY).groups[0].score() == 2
    assert result.reports[0]["group"][0]["measureScore"]["value"] == 2
    assert result.table.num_rows == 3
    assert (result.errors, result.problems, result.not_run) == ([], [], {})
    assert len(repr(result)) < 300
    assert ecqm.evaluate(measures, patients, 2026).scores == result.scores
    before = ecqm.evaluate(measures, patients, ("2025-01-01", "2025-12-31"))
    assert before.table.num_rows == 0
    assert str(result).splitlines()[0].split() == ["measure", "group", "IPP", "MSRPOPL", "MSRPOPLEX", "score"]
    assert str(result).splitlines()[1].split() == [STAY, "Group_1", "3", "3", "0", "2.0000"]
    assert "<td>2.0000</td>" in result._repr_html_()
    assert repr(result.measure(STAY)).endswith("MSRPOPLEX 0, score 2.0000>")
    assert repr(result.measure(STAY).groups[0]).startswith("<GroupTally Group_1: initial-population 3, ")
    assert [row["score"] for row in result.scores.to_pylist() if row["stratum"] is None] == [2]
    with pytest.raises(ecqm.MeasureNotFound, match="the content has SampleHospitalStay"):
        result.measure("other")
    with pytest.raises(MeasureError):
        ecqm.evaluate(measures, patients, "soon")


def test_one_name_and_one_path_need_no_list(data: Path) -> None:
    (plan,) = ecqm.select(SAMPLE, STAY, libraries=SAMPLE, valuesets=str(SAMPLE)).plans
    assert plan.measure.name == STAY


def test_wrong_arguments(data: Path) -> None:
    measures, patients = ecqm.select(SAMPLE, STAY), ecqm.load(data)
    wrong: list[tuple[Any, Any, dict[str, Any], str]] = [
        (patients, measures, {}, "what ecqm.select gives, not PatientData"),
        (measures, str(data), {}, "what ecqm.load gives, not str"),
        (measures, patients, {"profiles": "none"}, "declared, inferred, both"),
        (measures, patients, {"jobs": 0}, "jobs"),
        (measures, patients, {"memory": 0}, "memory"),
        (measures, patients, {"period": ("2026-01-01",)}, "is not a period"),
        (measures, patients, {"period": "2026-02-30/2026-12-31"}, "2026-02-30"),
        (measures, patients, {"period": "0000-01-01/2026-12-31"}, "0000-01-01"),
    ]
    for first, second, options, says in wrong:
        with pytest.raises((TypeError, ValueError), match=says):
            ecqm.evaluate(first, second, **options)
    with pytest.raises(TypeError, match="paths"):
        ecqm.load()
    with pytest.raises(ValueError, match="840 minutes"):
        ecqm.load(data, default_offset=99_999)


def test_help_shows_the_functions() -> None:
    told = " ".join(pydoc.plain(pydoc.render_doc(ecqm)).split())
    # Python 3.13 breaks long signatures into lines.
    assert "select(content" in told.replace("( ", "(")
    assert "class Result" in told and "wrong period" in told


def test_what_there_is() -> None:
    assert {"evaluate", "load", "select"} < set(dir(ecqm))
    assert all(hasattr(ecqm, name) for name in dir(ecqm))


def test_python_api_names_missing_value_sets(tmp_path: Path, data: Path) -> None:
    content = copy_of_sample(tmp_path)
    (content / "input/vocabulary/valueset/external/valueset-hospital-admission.json").unlink()
    measures = ecqm.select(content, [STAY])
    with pytest.raises(ecqm.MissingValueSets, match="hospital-admission"):
        ecqm.evaluate(measures, ecqm.load(data))
    assert ecqm.evaluate(measures, ecqm.load(data), allow_missing=True).table.num_rows == 0


def test_more_of_the_data_is_read_when_more_is_asked_for(data: Path) -> None:
    patients = ecqm.load(data)
    ecqm.evaluate(ecqm.select(SAMPLE, [STAY]), patients)
    both = ecqm.evaluate(ecqm.select(SAMPLE), patients)
    assert {measure.name for measure in both.measures} == {KIDNEY, STAY}


def test_files_are_read_once(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    times: list[object] = []

    def counted(*arguments: object, **named: object) -> object:
        times.append(arguments)
        return read_files(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr("ecqm.data.source.read_files", counted)
    measures, patients = ecqm.select(SAMPLE), ecqm.load(data)
    first, second = (ecqm.evaluate(measures, patients, PERIOD) for _ in range(2))
    assert len(times) == 1 and first.table.equals(second.table)


def test_a_store_in_processes_of_a_script(tmp_path: Path) -> None:
    store = cohorts.write_store(tmp_path)
    (tmp_path / "script.py").write_text(SCRIPT, "utf-8")
    told = subprocess.run([sys.executable, tmp_path / "script.py", store], capture_output=True, text=True, check=True)
    here = ecqm.evaluate(ecqm.select(SAMPLE), ecqm.load(store.parent / "files"), PERIOD)
    parts = len(list((store / "shards").glob("*/patients.arrow")))
    score = here.measure(STAY).groups[0].score()
    assert parts > 2 and told.stdout.split() == list(map(str, (60, score, here.table.num_rows, parts)))


def test_what_was_not_read_is_named(tmp_path: Path) -> None:
    store = cohorts.write_store(tmp_path)
    damaged = sorted((store / "shards").iterdir())[1] / "Encounter.arrow"
    damaged.write_bytes(b"lost")
    result = ecqm.evaluate(ecqm.select(SAMPLE), ecqm.load(store), PERIOD)
    assert str(damaged) in result.not_read[0] and 0 < result.patients < 60


def test_tables_go_on_to_data_frames(data: Path) -> None:
    pytest.importorskip("pandas")
    result = ecqm.evaluate(ecqm.select(SAMPLE, [STAY]), ecqm.load(data), PERIOD)
    frame = result.table.to_pandas()
    assert frame["measure_population"].sum() == 3 and list(frame["patient"]) == ["p1", "p2", "p3"]


def test_import_is_quick() -> None:
    heavy = "[name for name in ('numpy', 'pyarrow', 'msgspec', 'click', 'pyspark') if name in sys.modules]"
    script = f"import sys, ecqm; print({heavy})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_packages_of_qdm_measures(tmp_path: Path) -> None:
    packages = deck(tmp_path / "deck", TWO_STAYS, patient(identifier="p2"))
    measures = ecqm.select(packages, "CMS1")
    assert isinstance(measures, ecqm.PackageSelection)
    result = ecqm.evaluate(measures, ecqm.load(packages / "patients"))
    assert (result.patients, result.errors, result.not_read) == (2, [], ())
    assert result.measure("CMS1").groups[0].score() == 2.5
    assert {row["episode"] for row in result.table.to_pylist() if row["patient"] == "p1"} == {
        "EncounterPerformed/a",
        "EncounterPerformed/b",
    }
    assert result.reports[0]["group"][0]["measureScore"]["value"] == 2.5


def test_qdm_measures_need_qdm_patients(tmp_path: Path, data: Path) -> None:
    measures = ecqm.select(deck(tmp_path / "deck", TWO_STAYS))
    with pytest.raises(ecqm.DataError, match="there are no QDM patients"):
        ecqm.evaluate(measures, ecqm.load(data))
    with pytest.raises(ecqm.DataError, match="is a store of FHIR data"):
        ecqm.evaluate(measures, ecqm.load(cohorts.write_store(tmp_path)))
