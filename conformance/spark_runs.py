"""Runs of all measures on synthetic patients, for the runners on Spark: the store, the results of one process, and the
comparison with them."""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pyarrow.parquet
from content_arguments import content_options

MAKER = Path(__file__).parent.parent / "tools" / "synthetic_cohort.py"
ECQM = [sys.executable, "-m", "ecqm"]
PERIOD = "2026-01-01/2026-12-31"
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"
DATE = re.compile(rb'"date":"[^"]*"')


def run_arguments(options: argparse.Namespace) -> list[object]:
    """The arguments of `ecqm run` for all measures of the content."""
    chosen = ["--measure", "all", "--period", PERIOD, "--allow-missing", "--subject-list"]
    chosen += ["--individual"] * options.individual
    return [*ECQM, "run", *content_options(options), *chosen]


def made_store(options: argparse.Namespace, folder: Path) -> Path:
    """A store of synthetic patients."""
    files, store = folder / f"patients-{options.patients}", folder / f"store-{options.patients}"
    if not store.exists():
        valuesets = [word for each in options.valuesets for word in ("--valuesets", each)]
        call(sys.executable, MAKER, options.content, *valuesets, "--patients", options.patients, "--output", files)
        call(*ECQM, "load", files, "--output", store, "--jobs", 1)
    return store


def alone_in_one_process(arguments: list[object], store: Path, results: Path) -> tuple[Path, float]:
    """The results of one process, and its CPU seconds."""
    before = os.times()
    call(*arguments, "--jobs", 1, "--data", store, "--output", results)
    after = os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return results, spent


def differences(expected: Path, found: Path) -> list[str]:
    """The results whose content differs, apart from times and the order of rows."""
    readers: dict[str, Callable[[Path], Any]] = {
        "scores.csv": lambda path: path.read_text("utf-8"),
        "populations.parquet": rows,
        "summary.json": groups,
        "subject-list.json": members,
        "individual.ndjson": reports,
    }
    names = [name for name in readers if (expected / name).exists()]
    return [name for name in names if readers[name](expected / name) != readers[name](found / name)]


def rows(path: Path) -> Any:
    table = pyarrow.parquet.read_table(path)
    keys = [(name, "ascending") for name in ("measure", "group", "patient", "episode")]
    return table.sort_by(keys).combine_chunks()


def groups(path: Path) -> list[Any]:
    entries = json.loads(path.read_text("utf-8"))["entry"]
    return [(entry["resource"]["measure"], entry["resource"]["group"]) for entry in entries]


def members(path: Path) -> dict[Any, list[str]]:
    """The members of all populations, by measure and number of the list."""
    found: dict[Any, list[str]] = {}
    for file in parts_of(path):
        for entry in json.loads(file.read_text("utf-8")).get("entry", ()):
            for number, each in enumerate(entry["resource"]["contained"]):
                references = [item["item"]["reference"] for item in each.get("entry", ())]
                found.setdefault((entry["resource"]["measure"], number), []).extend(references)
    return {key: sorted(references) for key, references in found.items()}


def reports(path: Path) -> list[bytes]:
    """Digests of the reports, without their time."""
    digests = []
    for file in parts_of(path):
        with file.open("rb") as lines:
            digests += [blake2b(DATE.sub(b"", line, count=1), digest_size=16).digest() for line in lines]
    return sorted(digests)


def parts_of(path: Path) -> list[Path]:
    """The files of a result, which is a file or a folder."""
    return sorted(path.iterdir()) if path.is_dir() else [path]


def spark_home() -> Path:
    """The folder of PySpark."""
    import pyspark

    return Path(pyspark.__file__).parent


def hadoop_version() -> str:
    """The version of Hadoop's client that PySpark has."""
    (client,) = (spark_home() / "jars").glob("hadoop-client-api-*.jar")
    return client.stem.removeprefix("hadoop-client-api-")


def fetched(folder: Path, *artifacts: str) -> list[Path]:
    """The jars of some artifacts (group:name:version) in a folder, fetched with Maven if they are not there."""
    jars = [folder / f"{name}-{version}.jar" for _, name, version in (each.split(":") for each in artifacts)]
    for artifact, jar in zip(artifacts, jars, strict=True):
        if not jar.exists():
            call("mvn", "-q", "-B", COPY, f"-Dartifact={artifact}", f"-DoutputDirectory={folder}")
    return jars


def call(*command: object) -> None:
    """Run a command. If it fails, the program ends with what it printed."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}: {done.stdout}{done.stderr}")
