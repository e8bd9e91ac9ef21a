"""Input that is wrong: a clear message, the rest completed, and the exit code that says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.samples import (
    KIDNEY,
    SAMPLE,
    STAY,
    Json,
    Run,
    change_elm,
    copy_of_sample,
    ecqm,
    expression,
    replace_elm,
    stay,
)
from tests.data.resources import bundle, write


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two patients with a stay each, in bundles of their own."""
    for patient in ("good", "other"):
        write(tmp_path / "data" / f"{patient}.json", bundle(*stay(patient)))
    return tmp_path / "data"


# -- patients ---------------------------------------------------------------------------------------------------------


def test_truncated_bundle(tmp_path: Path, data: Path) -> None:
    whole = json.dumps(bundle(*stay("cut"))).encode()
    write(data / "cut.json", whole[: len(whole) // 2])
    run = Run(tmp_path, SAMPLE, data)
    assert run.result.exit_code == 0
    assert run.counts["initial-population"] == 2
    assert any("cut.json" in problem and "not valid JSON" in problem for problem in run.problems)
    assert "there is 1 problem with the data" in run.result.stderr


def test_wrong_resource_type(tmp_path: Path, data: Path) -> None:
    write(data / "odd.json", {"resourceType": "Spaceship", "id": "x"})
    write(data / "list.json", b"[1, 2]")
    run = Run(tmp_path, SAMPLE, data)
    assert run.result.exit_code == 0
    assert run.counts["initial-population"] == 2
    assert any("odd.json" in problem for problem in run.problems)
    assert any("list.json" in problem for problem in run.problems)


def test_duplicate_ids(tmp_path: Path, data: Path) -> None:
    first, second = stay("twice"), stay("twice", status="planned")
    write(data / "twice.json", bundle(*first, second[1]))
    run = Run(tmp_path, SAMPLE, data)
    assert run.result.exit_code == 0
    assert run.counts["initial-population"] == 3
    assert any("Encounter/twice-stay" in problem and "duplicate" in problem for problem in run.problems)


def test_dangling_references(tmp_path: Path, data: Path) -> None:
    lost = {"resourceType": "Observation", "id": "o", "status": "final", "subject": {"reference": "Patient/nobody"}}
    write(data / "lost.json", bundle(*stay("p"), {**lost, "code": {"text": "?"}}))
    run = Run(tmp_path, SAMPLE, data, measure=KIDNEY)
    assert run.result.exit_code == 0
    assert any("Patient/nobody" in problem for problem in run.problems)


def test_patient_with_none_of_the_needed_data(tmp_path: Path, data: Path) -> None:
    write(data / "bare.json", stay("bare")[0])
    run = Run(tmp_path, SAMPLE, data, "--individual")
    assert run.result.exit_code == 0
    assert run.counts["initial-population"] == 2
    reports = [json.loads(line) for line in (run.output / "individual.ndjson").read_text("utf-8").splitlines()]
    assert {report["subject"]["reference"] for report in reports} == {"Patient/bare", "Patient/good", "Patient/other"}


def test_impossible_date(tmp_path: Path, data: Path) -> None:
    period = {"start": "2026-02-30T14:00:00Z", "end": "2026-02-31T11:00:00Z"}
    write(data / "never.json", bundle(*stay("never", period=period)))
    run = Run(tmp_path, SAMPLE, data)
    assert run.result.exit_code == 0
    assert run.counts["initial-population"] == 2
    assert any("Encounter/never-stay" in problem and "2026-02-3" in problem for problem in run.problems)


def test_bundle_of_fifty_megabytes(tmp_path: Path, data: Path) -> None:
    note = "x" * 1000
    many = [stay("big", id=f"e{number}", reasonCode=[{"text": note}])[1] for number in range(42_000)]
    path = write(data / "big.json", bundle(stay("big")[0], *many))
    assert path.stat().st_size > 50_000_000
    run = Run(tmp_path, SAMPLE, data)
    assert run.result.exit_code == 0
    assert run.counts["initial-population"] == 42_002


def test_a_store_whose_only_shard_is_damaged(tmp_path: Path, data: Path) -> None:
    assert ecqm("load", data, "--output", tmp_path / "store").exit_code == 0
    (damaged,) = (tmp_path / "store").glob("shards/*/Encounter.arrow")
    damaged.unlink()
    run = Run(tmp_path, SAMPLE, tmp_path / "store")
    assert run.result.exit_code == 2
    assert f"{damaged}: cannot be read: No such file or directory" in run.result.stderr
    assert "load the data again" in run.result.stderr and "no patients" not in run.result.stderr


def test_no_data(tmp_path: Path) -> None:
    assert "does not exist" in Run(tmp_path, SAMPLE, tmp_path / "nowhere").result.stderr
    (tmp_path / "empty").mkdir()
    run = Run(tmp_path, SAMPLE, tmp_path / "empty")
    assert run.result.exit_code == 2
    assert "no files of data" in run.result.stderr


# -- measures ---------------------------------------------------------------------------------------------------------


def test_cyclic_library(tmp_path: Path, data: Path) -> None:
    content = copy_of_sample(tmp_path)
    back = {"localIdentifier": "Stay", "path": STAY, "version": "1.0.000"}
    change_elm(content, "FHIRHelpers", lambda library: library.update(includes={"def": [back]}))
    run = Run(tmp_path, content, data)
    assert run.result.exit_code == 2
    assert "cyclic include" in run.result.stderr and STAY in run.result.stderr and "FHIRHelpers" in run.result.stderr


def test_missing_library_names_the_versions_at_hand(tmp_path: Path, data: Path) -> None:
    def other_version(library: Json) -> None:
        library["includes"]["def"][0]["version"] = "9.9.999"

    content = copy_of_sample(tmp_path)
    change_elm(content, STAY, other_version)
    run = Run(tmp_path, content, data)
    assert run.result.exit_code == 2
    assert "FHIRHelpers 9.9.999" in run.result.stderr and "1.0.000" in run.result.stderr
    relaxed = Run(tmp_path, content, data, "--relax-versions")
    assert relaxed.result.exit_code == 0
    assert any("FHIRHelpers" in warning for warning in relaxed.read("run.json")["measures"][0]["warnings"])


def test_a_measure_that_cannot_run_does_not_keep_others_from_it(tmp_path: Path, data: Path) -> None:
    content = copy_of_sample(tmp_path)
    change_elm(content, KIDNEY, lambda library: library["includes"]["def"][0].update(version="9"))
    run = Run(tmp_path, content, data, measure="all")
    assert run.result.exit_code == 2
    assert KIDNEY in run.result.stderr
    assert run.counts["initial-population"] == 2
    (named,) = run.read("errors.json")["measures"]
    assert named["measure"] == KIDNEY


def test_missing_value_set(tmp_path: Path, data: Path) -> None:
    content = copy_of_sample(tmp_path)
    (content / "input/vocabulary/valueset/external/valueset-hospital-admission.json").unlink()
    run = Run(tmp_path, content, data)
    assert run.result.exit_code == 2
    assert "https://ecqm.example/ValueSet/hospital-admission" in run.result.stderr
    assert STAY in run.result.stderr and "--allow-missing" in run.result.stderr
    assert not run.output.exists()
    told = Run(tmp_path, content, data, "--allow-missing")
    assert told.result.exit_code == 0
    assert "warning" in told.result.stderr
    assert told.counts["initial-population"] == 0
    (missing,) = told.read("run.json")["missing_value_sets"]
    assert "hospital-admission" in missing and f'used by {STAY}."' in missing
    assert "hospital-admission" in told.read("run.json")["measures"][0]["warnings"][0]


def test_a_value_set_that_is_not_looked_into_is_not_missed(tmp_path: Path, data: Path) -> None:
    def declare(library: Json) -> None:
        library["valueSets"]["def"].append({"name": "Unused", "id": "https://ecqm.example/ValueSet/unused"})

    content = copy_of_sample(tmp_path)
    change_elm(content, STAY, declare)
    assert Run(tmp_path, content, data).result.exit_code == 0


def test_cut_expansion(tmp_path: Path, data: Path) -> None:
    content = copy_of_sample(tmp_path)
    path = content / "input/vocabulary/valueset/external/valueset-hospital-admission.json"
    resource = json.loads(path.read_text("utf-8"))
    resource["expansion"]["total"] = 5000
    resource.pop("compose", None)
    path.write_text(json.dumps(resource), "utf-8")
    run = Run(tmp_path, content, data)
    assert run.result.exit_code == 2
    assert "hospital-admission" in run.result.stderr and "5000" in run.result.stderr
    assert Run(tmp_path, content, data, "--allow-missing").counts["initial-population"] == 2


def test_unknown_elm_node(tmp_path: Path, data: Path) -> None:
    content = copy_of_sample(tmp_path)
    change_elm(content, STAY, lambda library: expression(library, "Initial Population").update(type="Conjure"))
    run = Run(tmp_path, content, data)
    assert run.result.exit_code == 2
    assert "Conjure" in run.result.stderr and STAY in run.result.stderr


WHOLE_BUT_WRONG = {
    "of another shape": b'{"library": ["what is this"]}',
    "cut": b'{"library": {"identifier": {"id": "SampleHosp',
    "nested without end": b'{"library": {"statements": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
    "not UTF-8": b'{"library": {"identifier": {"id": "\xff\xfe"}}}',
    "UTF-16": '{"library": {}}'.encode("utf-16"),
    "empty": b"",
    "null": b"null",
}


@pytest.mark.parametrize("elm", WHOLE_BUT_WRONG.values(), ids=WHOLE_BUT_WRONG.keys())
def test_elm_that_is_none(tmp_path: Path, data: Path, elm: bytes) -> None:
    content = copy_of_sample(tmp_path)
    replace_elm(content, KIDNEY, elm)
    run = Run(tmp_path, content, data, measure="all")
    assert run.result.exit_code == 2
    assert f"measure {KIDNEY} was not run" in run.result.stderr
    assert run.counts["initial-population"] == 2


@pytest.mark.parametrize("kind", ["measure/SampleDiabetesKidneyCheck", "library/SampleDiabetesKidneyCheck"])
@pytest.mark.parametrize("wrong", WHOLE_BUT_WRONG.values(), ids=WHOLE_BUT_WRONG.keys())
def test_resources_that_are_none(tmp_path: Path, data: Path, kind: str, wrong: bytes) -> None:
    content = copy_of_sample(tmp_path)
    write(content / "input" / "resources" / f"{kind}.json", wrong)
    run = Run(tmp_path, content, data)
    assert run.result.exit_code == 0
    assert run.counts["initial-population"] == 2


def test_value_sets_that_are_none(tmp_path: Path, data: Path) -> None:
    content = copy_of_sample(tmp_path)
    folder = content / "input/vocabulary/valueset/external"
    for number, wrong in enumerate(WHOLE_BUT_WRONG.values()):
        write(folder / f"wrong{number}.json", wrong)
    path = folder / "valueset-hospital-admission.json"
    write(path, b"\xef\xbb\xbf" + path.read_bytes())
    run = Run(tmp_path, content, data)
    assert run.result.exit_code == 0
    assert run.counts["initial-population"] == 2


@pytest.mark.parametrize(("length", "says"), [(2_000, "too deeply"), (None, "refers to itself")])
def test_definitions_without_end(tmp_path: Path, data: Path, length: int | None, says: str) -> None:
    def chain(library: Json) -> None:
        first = expression(library, "Initial Population")
        steps = {f"Step {number}": f"Step {number + 1}" for number in range(length or 3)}
        last = "Initial Population" if length is None else "Planned"
        for name, referred in (steps | {f"Step {len(steps)}": last}).items():
            reference = {"type": "ExpressionRef", "name": referred}
            library["statements"]["def"].append({"name": name, "context": "Patient", "expression": reference})
        first.clear()
        first.update(type="ExpressionRef", name="Step 0")

    content = copy_of_sample(tmp_path)
    change_elm(content, STAY, chain)
    run = Run(tmp_path, content, data, measure="all")
    assert run.result.exit_code == 2
    assert f"measure {STAY} was not run" in run.result.stderr and says in run.result.stderr
    assert run.read("summary.json")["entry"]


def test_measures_by_other_names(tmp_path: Path, data: Path) -> None:
    run = Run(tmp_path, SAMPLE, data, measure="SampleHospitalStays")
    assert run.result.exit_code == 2
    assert STAY in run.result.stderr


def test_a_measure_without_a_period_does_not_keep_others_from_it(tmp_path: Path, data: Path) -> None:
    content = copy_of_sample(tmp_path)
    path = content / "input/resources/measure" / f"{KIDNEY}.json"
    for effective in ({"start": "2026-02-30", "end": "2026-12-31"}, None):
        write(path, json.loads(path.read_text("utf-8")) | {"effectivePeriod": effective})
        run = Run(tmp_path, content, data, measure="all")
        assert run.result.exit_code == 2 and f"measure {KIDNEY} was not run" in run.result.stderr
        assert run.counts["initial-population"] == 2
    assert Run(tmp_path, content, data, "--period", "2026/2026", measure="all").result.exit_code == 0


def test_periods(tmp_path: Path, data: Path) -> None:
    assert Run(tmp_path, SAMPLE, data, "--period", "2025-01-01/2025-12-31").counts["initial-population"] == 0
    wrong_days = ("2026-02-30/2026-12-31", "2026-13/2027-01", "0000-01-01/2026-12-31", "2026-01-01T25:00/2026-12-31")
    wrong_offset = "2026-01-01T00:00:00+99:00/2026-12-31"
    for wrong in ("2026-06", "2026-01-01/soon", "2026-12-31/2026-01-01", *wrong_days, wrong_offset):
        run = Run(tmp_path, SAMPLE, data, "--period", wrong)
        assert run.result.exit_code == 2
        assert "period" in run.result.stderr


def test_content_that_is_none(tmp_path: Path, data: Path) -> None:
    (tmp_path / "nothing").mkdir()
    result = ecqm("run", tmp_path / "nothing", "--measure", "X", "--data", data, "--output", tmp_path / "out")
    assert result.exit_code == 2
    write(tmp_path / "cut" / "bundle.json", b'{"resourceType": "Bundle", "entry": [{"resource": {"resourceType"')
    result = ecqm("run", tmp_path / "cut", "--measure", "X", "--data", data, "--output", tmp_path / "out")
    assert result.exit_code == 2
    assert "bundle.json" in result.stderr
