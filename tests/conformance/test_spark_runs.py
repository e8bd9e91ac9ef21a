"""Results of runs on Spark are compared with those of one process."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from ecqm.cluster.worker import Worker
from tests.cluster import cohorts
from tests.scripts import imported


def test_results_are_compared_without_the_order_of_their_rows(tmp_path: Path) -> None:
    runner = imported("conformance/spark_runs.py")
    for name, patients, shard_size in (("one", 30, 1 << 20), ("same", 30, 4_000), ("fewer", 29, 4_000)):
        store = cohorts.write_store(tmp_path / f"of-{name}", patients, shard_size)
        with cohorts.output(tmp_path / name) as output:
            worker = Worker(cohorts.shipment(output))
            for number, unit in cohorts.units(store, output.work).items():
                worker.run(unit, output.path_of(number))
            output.finish({})
    assert not runner.differences(tmp_path / "one", tmp_path / "same")
    everything = ["scores.csv", "populations.parquet", "summary.json", "subject-list.json"]
    assert runner.differences(tmp_path / "one", tmp_path / "fewer") == everything
    shutil.copytree(tmp_path / "same", tmp_path / "changed")
    summary = json.loads((tmp_path / "changed" / "summary.json").read_text("utf-8"))
    summary["entry"][0]["resource"]["date"] = "another"
    summary["entry"][1]["resource"]["group"][0]["population"][0]["count"] += 1
    (tmp_path / "changed" / "summary.json").write_text(json.dumps(summary), "utf-8")
    assert runner.differences(tmp_path / "one", tmp_path / "changed") == ["summary.json"]
