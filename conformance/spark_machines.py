"""Run all measures on Spark on several machines that share nothing but HDFS, and lose one of them during a run.

    python conformance/spark_machines.py CONTENT --libraries DIR --valuesets DIR --work DIR [--patients 20000]

The machines are network namespaces on this one (conformance/machines.py): one with HDFS, one with the Spark master and
the driver, two with Spark workers. None of the last three sees the folder with the patients and the store. The results
of both runs are compared with those of one process. For the second run, a worker's machine is cut off the network, and
its processes are killed, when some shards are done.

Needs Linux, root, iproute2, Java 17 and Maven, which fetches the servers of HDFS (hadoop-client-minicluster) into DIR.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from content_arguments import content_parser
from machines import Machine, machines
from spark_runs import (
    alone_in_one_process,
    call,
    differences,
    fetched,
    hadoop_version,
    made_store,
    run_arguments,
    spark_home,
)

HDFS = "hdfs://files:8020"
MASTER = "spark://driver:7077"
WORKERS = ("first", "second")
# Parts that must be done before a machine is lost.
DONE = 2

# Everybody may reach every port; there is one copy of each block.
HDFS_SETTINGS = {
    "fs.defaultFS": HDFS,
    "dfs.replication": "1",
    "dfs.namenode.http-address": "files:9870",
    "dfs.namenode.datanode.registration.ip-hostname-check": "false",
    "dfs.datanode.hostname": "files",
}
# A machine that is gone is given up after seconds rather than minutes.
SPARK_SETTINGS = {
    "spark.network.timeout": "30s",
    "spark.network.timeoutInterval": "10s",
    "spark.executor.heartbeatInterval": "3s",
    "spark.worker.timeout": "15",
    "spark.ui.enabled": "false",
}
PARTS = """
import json, sys, urllib.request
api = "http://files:9870/webhdfs/v1"
def names(path):
    with urllib.request.urlopen(f"{api}{path}?op=LISTSTATUS") as answer:
        return [each["pathSuffix"] for each in json.load(answer)["FileStatuses"]["FileStatus"]]
try:
    running = sys.argv[1] + "/.running"
    print(sum(len(names(f"{running}/{each}")) for each in names(running) if each.startswith("parts-")))
except OSError:
    print(0)
"""


@dataclass
class Run:
    """A run on Spark: what the command printed, CPU seconds by machine, and of the driver the most memory in MiB by
    program, and the bytes that it received."""

    said: str
    seconds: dict[str, float]
    memory: dict[str, float]
    received: int

    def __str__(self) -> str:
        seconds = ", ".join(f"{machine} {spent:.1f}" for machine, spent in self.seconds.items())
        memory = ", ".join(f"{program} {peak:.0f}" for program, peak in sorted(self.memory.items()))
        return f"CPU seconds: {seconds}; driver: MiB: {memory}; received {self.received / 1e6:.1f} MB"


def main() -> int:
    parser = content_parser(__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder for all files, kept for the next time")
    parser.add_argument("--patients", type=int, default=20_000)
    parser.add_argument("--individual", action="store_true", help="also write a report per patient and measure")
    options = parser.parse_args()
    work: Path = options.work.absolute()
    hidden = work / "local"
    for folder in (hidden, work / "logs", work / "found"):
        folder.mkdir(parents=True, exist_ok=True)
    arguments = run_arguments(options)
    store = made_store(options, hidden)
    expected, alone = alone_in_one_process(arguments, store, hidden / "expected")
    classes = hadoop_classes(work / "jars")
    with machines({"files": None, "driver": hidden, **dict.fromkeys(WORKERS, hidden)}, work) as every:
        files = every["files"]
        with hdfs(files, classes, work), spark(every, work):
            hadoop(files, classes, work, "-put", store, f"{HDFS}/store")
            whole = on_spark(arguments, every, work, "whole")
            lossy = on_spark(arguments, every, work, "lossy", lose=WORKERS[0])
            for name in ("whole", "lossy"):
                subprocess.run(["rm", "-rf", work / "found" / name], check=True)
                hadoop(files, classes, work, "-get", f"{HDFS}/{name}", work / "found" / name)
    about = json.loads((expected / "run.json").read_text("utf-8"))
    print(f"{about['patients']:,} patients in {about['units']} shards, {len(about['measures'])} measures")
    print(f"one process: {alone:.1f} CPU seconds")
    failed = 0
    for name, run in (("whole", whole), ("lossy", lossy)):
        different = differences(expected, work / "found" / name)
        failed += bool(different)
        print(f"{name}: {', '.join(different) or 'the same results'}; {run}")
    if "Lost executor" not in lossy.said:
        print("lossy: no executor was lost")
        failed += 1
    return 1 if failed else 0


def hadoop_classes(folder: Path) -> str:
    """The class path of HDFS: its servers, of the version whose client PySpark has, and the libraries of PySpark."""
    (servers,) = fetched(folder, f"org.apache.hadoop:hadoop-client-minicluster:{hadoop_version()}")
    return f"{servers}:{spark_home() / 'jars'}/*"


@contextmanager
def hdfs(machine: Machine, classes: str, work: Path) -> Iterator[None]:
    """A name node and a data node."""
    kept = work / "hdfs"
    subprocess.run(["rm", "-rf", kept], check=True)
    (kept / "settings").mkdir(parents=True)
    folders = {"dfs.namenode.name.dir": f"file://{kept}/name", "dfs.datanode.data.dir": f"file://{kept}/data"}
    properties = "".join(
        f"<property><name>{name}</name><value>{value}</value></property>"
        for name, value in {**HDFS_SETTINGS, **folders}.items()
    )
    for file in ("core-site.xml", "hdfs-site.xml"):
        (kept / "settings" / file).write_text(f"<configuration>{properties}</configuration>", "utf-8")
    server = ["java", "-Xmx256m", "-cp", f"{kept / 'settings'}:{classes}"]
    node = "org.apache.hadoop.hdfs.server"
    call(*machine.command(*server, f"{node}.namenode.NameNode", "-format", "-force"))
    with log(work, "files") as said:
        started = [
            machine.start(*server, f"{node}.{name}", log=said) for name in ("namenode.NameNode", "datanode.DataNode")
        ]
        wait_until(lambda: has_data_node(machine), started)
        yield
    machine.stop()


def has_data_node(machine: Machine) -> bool:
    """Whether the name node is up and knows a data node."""
    query = "http://files:9870/jmx?qry=Hadoop:service=NameNode,name=FSNamesystemState"
    script = f"import urllib.request as u; print(u.urlopen({query!r}, timeout=5).read().decode())"
    asked = subprocess.run(machine.command(sys.executable, "-c", script), capture_output=True, text=True, check=False)
    return '"NumLiveDataNodes" : 1' in asked.stdout


def hadoop(machine: Machine, classes: str, work: Path, *words: object) -> None:
    """Run a command of the Hadoop file system shell."""
    settings = work / "hdfs" / "settings"
    call(*machine.command("java", "-Xmx512m", "-cp", f"{settings}:{classes}", "org.apache.hadoop.fs.FsShell", *words))


@contextmanager
def spark(every: Mapping[str, Machine], work: Path) -> Iterator[None]:
    """A master on the machine of the driver, and a worker on each of the others, with a core each."""
    (work / "spark").mkdir(exist_ok=True)
    lines = [f"{name} {value}\n" for name, value in SPARK_SETTINGS.items()]
    (work / "spark" / "spark-defaults.conf").write_text("".join(lines), "utf-8")
    service = "org.apache.spark.deploy"
    start_spark(every["driver"], work, f"{service}.master.Master", "--host", "driver", "--port", 7077)
    for name in WORKERS:
        place = ["-d", work / "local" / "spark"]
        resources = ["--host", name, "--cores", 1, "--memory", "2g", *place]
        start_spark(every[name], work, f"{service}.worker.Worker", *resources, MASTER)
    for name in WORKERS:
        registered = work / "logs" / f"{name}.log"
        wait_until(lambda file=registered: "Successfully registered" in file.read_text("utf-8"))  # type: ignore[misc]
    yield


def start_spark(machine: Machine, work: Path, *words: object) -> None:
    home = spark_settings(machine, work)["SPARK_HOME"]
    with log(work, machine.name) as said:
        machine.start(f"{home}/bin/spark-class", *words, log=said, **spark_settings(machine, work))


def spark_settings(machine: Machine, work: Path) -> dict[str, str]:
    """Environment variables of Spark on a machine."""
    return {
        "SPARK_HOME": str(spark_home()),
        "SPARK_CONF_DIR": str(work / "spark"),
        "SPARK_LOCAL_IP": machine.address,
        "SPARK_LOCAL_HOSTNAME": machine.name,
        "SPARK_DAEMON_MEMORY": "512m",
        "PYSPARK_PYTHON": sys.executable,
    }


def on_spark(
    arguments: list[object], every: Mapping[str, Machine], work: Path, name: str, lose: str | None = None
) -> Run:
    """A run with its results in HDFS; a machine is lost when some of them are there."""
    places = ["--data", f"{HDFS}/store", "--output", f"{HDFS}/{name}", "--spark", MASTER]
    driver = every["driver"]
    seen = [every[machine] for machine in ("driver", *WORKERS)]
    observe(seen)
    before = {machine.name: machine.processor_seconds for machine in seen}
    earlier, received = driver.processes(), driver.received
    looked = time.monotonic()
    with log(work, name) as said:
        running = driver.start(*arguments, *places, log=said, **spark_settings(driver, work))
        while running.poll() is None:
            observe(seen)
            if lose is not None and time.monotonic() - looked > 2:
                looked = time.monotonic()
                if parts(every["files"], name) >= DONE:
                    every[lose].vanish()
                    lose = None
            time.sleep(0.2)
    text = (work / "logs" / f"{name}.log").read_text("utf-8")
    if running.returncode:
        sys.exit(f"{name}: {text}")
    seconds = {machine.name: machine.processor_seconds - before[machine.name] for machine in seen}
    return Run(text, seconds, driver.peak_memory(earlier), driver.received - received)


def observe(every: Sequence[Machine]) -> None:
    for machine in every:
        machine.observe()


def parts(files: Machine, name: str) -> int:
    """How many parts of a run are in HDFS."""
    found = subprocess.run(
        files.command(sys.executable, "-c", PARTS, f"/{name}"), capture_output=True, text=True, check=True
    )
    return int(found.stdout)


@contextmanager
def log(work: Path, name: str) -> Iterator[Any]:
    with (work / "logs" / f"{name}.log").open("wb") as file:
        yield file


def wait_until(done: Callable[[], bool], started: list[subprocess.Popen[bytes]] | None = None) -> None:
    """Wait for a service. The program ends if one of the processes has ended, or after some minutes."""
    until = time.monotonic() + 240
    while not done():
        if time.monotonic() > until or any(process.poll() is not None for process in started or ()):
            sys.exit("a service did not start; see the logs")
        time.sleep(0.5)


if __name__ == "__main__":
    sys.exit(main())
