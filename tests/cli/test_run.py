"""`ecqm run` on the sample measures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

import ecqm
from ecqm.data.loading.load import load
from ecqm.data.store.store import open_store
from tests.cli.samples import CASES, KIDNEY, SAMPLE, STAY, Run, change_elm, copy_of_sample, expression, stay
from tests.cli.samples import ecqm as command
from tests.data.resources import bundle, write


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for patient in ("p1", "p2", "p3"):
        write(tmp_path / "data" / f"{patient}.json", bundle(*stay(patient)))
    return tmp_path / "data"


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_a_run_of_all_measures_leaves_what_it_promises(tmp_path: Path) -> None:
    run = Run(tmp_path, SAMPLE, CASES, "--individual", "--subject-list", measure="all")
    assert run.result.exit_code == 0, run.result.output
    assert KIDNEY in run.result.stdout and STAY in run.result.stdout
    summaries = [entry["resource"] for entry in run.read("summary.json")["entry"]]
    assert [each["measure"].rpartition("/")[2] for each in summaries] == [f"{KIDNEY}|1.0.000", f"{STAY}|1.0.000"]
    assert all(each["resourceType"] == "MeasureReport" and each["type"] == "summary" for each in summaries)
    individual = lines(run.output / "individual.ndjson")
    patients = {each["subject"]["reference"] for each in individual}
    assert len(individual) == 2 * len(patients)
    about = run.read("run.json")
    assert about["engine"]["version"] == ecqm.__version__
    assert about["patients"] == len(patients) and not about["not_run"]
    assert set(about["hashes"]) == {KIDNEY, STAY}
    assert set(about["seconds"]) == {"open", "plan", "sort", "run", "load", "evaluate", "write"}


def test_the_table_and_the_reports_agree(tmp_path: Path) -> None:
    run = Run(tmp_path, SAMPLE, CASES, "--subject-list", measure="all")
    table = pyarrow.parquet.read_table(run.output / "populations.parquet")
    rows = [row for row in table.to_pylist() if row["measure"] == STAY]
    assert run.read("summary.json")["entry"][1]["resource"]["group"][0]["measureScore"]["value"] == 3
    counted = [row for row in rows if row["measure_population"]]
    (listed,) = [
        entry["resource"] for entry in run.read("subject-list.json")["entry"] if STAY in entry["resource"]["measure"]
    ]
    members = {each["id"]: each for each in listed["contained"]}
    (population,) = [
        each for each in listed["group"][0]["population"] if each["code"]["coding"][0]["code"] == "measure-population"
    ]
    named = members[population["subjectResults"]["reference"].removeprefix("#")]["entry"]
    assert population["count"] == len(counted) == len(named)
    assert {entry["item"]["reference"] for entry in named} == {row["episode"] for row in counted}
    assert all(row["episode"].startswith("Encounter/") for row in counted)


def test_errors_of_patients_are_told_with_their_place(tmp_path: Path, data: Path) -> None:
    """A second stay makes an error of what was one: that patient is in no population, the others are."""

    def demand_one(library: Any) -> None:
        stays = expression(library, "Initial Population")
        one = {"type": "SingletonFrom", "localId": "9001", "locator": "4:2-4:30", "operand": dict(stays)}
        stays.clear()
        stays.update({"type": "ToList", "localId": "9002", "locator": "4:1-4:31", "operand": one})

    content = copy_of_sample(tmp_path)
    change_elm(content, STAY, demand_one)
    write(data / "p2-again.json", {**stay("p2")[1], "id": "again"})
    run = Run(tmp_path, content, data, "--individual")
    assert run.result.exit_code == 0
    assert run.counts["initial-population"] == 2
    assert {each["subject"]["reference"] for each in lines(run.output / "individual.ndjson")} == {
        "Patient/p1",
        "Patient/p3",
    }
    errors = run.read("errors.json")["patients"]
    assert {error["patient"] for error in errors} == {"p2"}
    assert errors[0]["define"] == "Initial Population"
    assert errors[0]["locator"] == "4:2-4:30"
    assert errors[0]["library"] == f"{STAY} 1.0.000"
    assert "more than one element" in errors[0]["message"]
    assert "failed" in run.result.stderr
    assert run.read("run.json")["measures"][0]["errors"] == 1


def test_json_on_the_terminal(tmp_path: Path, data: Path) -> None:
    run = Run(tmp_path, SAMPLE, data, "--format", "json")
    assert json.loads(run.result.stdout) == run.read("run.json")


def test_a_store_gives_what_its_files_give(tmp_path: Path) -> None:
    load([CASES], tmp_path / "store", shard_size=4_000)
    assert len(open_store(tmp_path / "store").shards) > 2
    loaded = Run(tmp_path / "a", SAMPLE, tmp_path / "store", "--subject-list", measure="all")
    direct = Run(tmp_path / "b", SAMPLE, CASES, "--subject-list", measure="all")
    assert loaded.result.exit_code == 0, loaded.result.output

    def rows(run: Run) -> list[str]:
        return sorted(map(repr, pyarrow.parquet.read_table(run.output / "populations.parquet").to_pylist()))

    def groups(run: Run) -> list[Any]:
        return [entry["resource"]["group"] for entry in run.read("summary.json")["entry"]]

    def listed(run: Run) -> list[list[str]]:
        lists = [each for entry in run.read("subject-list.json")["entry"] for each in entry["resource"]["contained"]]
        return [sorted(item["item"]["reference"] for item in each.get("entry", ())) for each in lists]

    assert rows(loaded) == rows(direct)
    assert groups(loaded) == groups(direct)
    assert listed(loaded) == listed(direct)


def test_help_comes_up_at_once() -> None:
    import subprocess
    import sys

    heavy = "[name for name in ('numpy', 'pyarrow', 'antlr4', 'lxml', 'rich.table') if name in sys.modules]"
    script = f"import sys; from ecqm.cli.main import main; main(['--help'], standalone_mode=False); print({heavy})"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert told.stdout.strip().endswith("[]")
    assert "run" in told.stdout


def test_run_needs_data_and_output(tmp_path: Path) -> None:
    assert command("run", SAMPLE, "--measure", STAY, "--output", tmp_path).exit_code == 2
    assert command("run", SAMPLE, "--measure", STAY, "--data", CASES).exit_code == 2


def test_urls_need_spark(tmp_path: Path, data: Path) -> None:
    url = "hdfs://host/folder"
    for places in (["--data", url, "--output", tmp_path / "out"], ["--data", data, "--output", url]):
        run = command("run", SAMPLE, *places)
        assert run.exit_code == 2 and f"{url}: URLs can be used with --spark only" in run.stderr


def test_a_population_that_is_supplemental_data_too(tmp_path: Path, data: Path) -> None:
    content = copy_of_sample(tmp_path)
    path = content / "input" / "resources" / "measure" / f"{STAY}.json"
    resource = json.loads(path.read_text("utf-8"))
    expression = resource["group"][0]["population"][0]["criteria"]["expression"]
    resource["supplementalData"] = [{"id": "same", "criteria": {"expression": expression}}]
    path.write_text(json.dumps(resource), "utf-8")
    assert Run(tmp_path, content, data).counts == Run(tmp_path / "as-it-was", SAMPLE, data).counts


def test_of_several_versions_of_a_measure_the_latest_is_run_and_told(tmp_path: Path) -> None:
    content = copy_of_sample(tmp_path)
    path = content / "input" / "resources" / "measure" / f"{KIDNEY}.json"
    measure = json.loads(path.read_text("utf-8"))
    path.with_name("earlier.json").write_text(json.dumps(measure | {"version": "0.0.1", "id": "earlier"}), "utf-8")
    result = command("run", content, "--measure", KIDNEY, "--data", CASES / KIDNEY, "--output", tmp_path / "out")
    assert result.exit_code == 0 and f"{KIDNEY}|{measure['version']} is taken" in result.stderr
    assert [each["version"] for each in json.loads((tmp_path / "out" / "run.json").read_text("utf-8"))["measures"]] == [
        measure["version"]
    ]
    named = command("plan", content, "--measure", f"{KIDNEY}|0.0.1")
    assert named.exit_code == 0 and "is taken" not in named.stderr
