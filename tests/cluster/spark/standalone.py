"""A standalone Spark cluster on this machine: a master and workers, each in its own process group."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_PACKAGE = "org.apache.spark.deploy"
_UNTIL = 240.0
# Java runs for seconds only, so optimizing compilation would take longer than it saves.
SHORT_LIVED = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


@dataclass
class SparkCluster:
    master: str
    workers: list[subprocess.Popen[bytes]]

    def kill_worker(self, number: int) -> None:
        """Kill a worker and all its processes."""
        os.killpg(self.workers[number].pid, signal.SIGKILL)
        self.workers[number].wait()


@contextmanager
def spark_cluster(folder: Path, workers: int = 2) -> Iterator[SparkCluster]:
    """A cluster with its logs and working files in a folder."""
    folder.mkdir()
    port = free_port()
    started: list[subprocess.Popen[bytes]] = []
    try:
        host = ["--host", "127.0.0.1", "--webui-port", str(free_port())]
        started.append(_start(folder, "master", "master.Master", *host, "--port", str(port)))
        _wait_for(folder / "master.log", "New state: ALIVE")
        master = f"spark://127.0.0.1:{port}"
        for number in range(workers):
            options = ["--host", "127.0.0.1", "--webui-port", str(free_port()), "--cores", "1", "--memory", "1g"]
            work = str(folder / f"work-{number}")
            started.append(_start(folder, f"worker-{number}", "worker.Worker", *options, "-d", work, master))
        for number in range(workers):
            _wait_for(folder / f"worker-{number}.log", "Successfully registered")
        yield SparkCluster(master, started[1:])
    finally:
        for process in reversed(started):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def _start(folder: Path, name: str, service: str, *arguments: str) -> subprocess.Popen[bytes]:
    import pyspark

    home = Path(pyspark.__file__).parent
    command = [str(home / "bin" / "spark-class"), f"{_PACKAGE}.{service}", *arguments]
    settings = {
        "SPARK_HOME": str(home),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_DAEMON_MEMORY": "512m",
        "SPARK_DAEMON_JAVA_OPTS": SHORT_LIVED,
        "PYSPARK_PYTHON": sys.executable,
    }
    with (folder / f"{name}.log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **settings}, start_new_session=True)


def _wait_for(log: Path, text: str) -> None:
    until = time.monotonic() + _UNTIL
    while text not in log.read_text("utf-8", "replace"):
        if time.monotonic() > until:
            raise TimeoutError(f"no {text!r} in {log}:\n{log.read_text('utf-8', 'replace')[-2000:]}")
        time.sleep(0.1)
