"""Run all measures on Spark with the store and the results on S3, and kill one of the runs.

    python conformance/spark_s3.py CONTENT --libraries DIR --valuesets DIR --work DIR --moto PYTHON [--patients 20000]

S3 is the server of moto (pip install 'moto[server]'; --moto: the Python that has it) on this machine, and the client is
Hadoop's S3A, which Maven fetches with Amazon's library (about 700 MB) into DIR. The results are compared with those of
one process. The second run is killed when some shards are done, and started again.

One thing is mended in the server: werkzeug, on which it is built, answers `Expect: 100-continue` twice, and the client
takes the second answer for that to its upload.

Needs Java 17 and Maven.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

from content_arguments import content_parser
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

BUCKET = "bucket"
SERVER = """
import sys
from moto.server import main
from werkzeug.serving import WSGIRequestHandler

# The server answers `Expect: 100-continue` itself; its base class need not.
WSGIRequestHandler.handle_expect_100 = lambda self: True
main(["-H", "127.0.0.1", "-p", sys.argv[1]])
"""
# What hadoop-aws 3.5.0 needs at run time.
LIBRARIES = (
    "software.amazon.awssdk:bundle:2.35.4",
    "software.amazon.s3.analyticsaccelerator:analyticsaccelerator-s3:1.3.1",
)
COUNTS = re.compile(r"/counts/\d+\.json</Key>")
# Shards that must be done before a run is killed.
DONE = 2


def main() -> int:
    parser = content_parser(__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder for all files, kept for the next time")
    parser.add_argument("--patients", type=int, default=20_000)
    parser.add_argument("--moto", default=sys.executable, help="the Python that has moto")
    parser.add_argument("--individual", action="store_true", help="also write a report per patient and measure")
    options = parser.parse_args()
    work: Path = options.work.absolute()
    work.mkdir(parents=True, exist_ok=True)
    arguments = run_arguments(options)
    store = made_store(options, work)
    expected, _ = alone_in_one_process(arguments, store, work / "expected")
    jars = fetched(work / "jars", f"org.apache.hadoop:hadoop-aws:{hadoop_version()}", *LIBRARIES)
    with s3(options.moto, work / "server.log") as endpoint:
        settings = s3a_settings(endpoint)
        copy(jars, settings, work, "-put", store, f"s3a://{BUCKET}/store")
        environment = spark_environment(work / "spark", jars, settings)
        for name in ("whole", "killed"):
            command = [*arguments, "--data", f"s3a://{BUCKET}/store", "--output", f"s3a://{BUCKET}/{name}"]
            command += ["--spark", "local[2]"]
            if name == "killed":
                print(f"killed when {killed_run(command, environment, endpoint, name)} shards were done")
            run(command, environment, work / f"{name}.log")
            subprocess.run(["rm", "-rf", work / name], check=True)
            copy(jars, settings, work, "-get", f"s3a://{BUCKET}/{name}", work / name)
    about = json.loads((expected / "run.json").read_text("utf-8"))
    print(f"{about['patients']:,} patients in {about['units']} shards, {len(about['measures'])} measures")
    found = {name: differences(expected, work / name) for name in ("whole", "killed")}
    for name, different in found.items():
        print(f"{name}: {', '.join(different) or 'the same results'}")
    return 1 if any(found.values()) else 0


@contextmanager
def s3(python: str, log: Path) -> Iterator[str]:
    """The URL of an S3 server with an empty bucket."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
    endpoint = f"http://127.0.0.1:{port}"
    with log.open("wb") as said:
        server = subprocess.Popen([python, "-c", SERVER, str(port)], stdout=said, stderr=said)
        try:
            for _ in range(120):
                try:
                    urlopen(Request(f"{endpoint}/{BUCKET}", method="PUT")).close()
                    break
                except URLError:
                    time.sleep(0.5)
                    if server.poll() is not None:
                        sys.exit(f"no S3 server:\n{log.read_text('utf-8')}")
            yield endpoint
        finally:
            server.terminate()
            server.wait()


def s3a_settings(endpoint: str) -> dict[str, str]:
    """Hadoop's settings for the server."""
    return {
        "fs.s3a.endpoint": endpoint,
        "fs.s3a.endpoint.region": "us-east-1",
        "fs.s3a.path.style.access": "true",
        "fs.s3a.access.key": "anyone",
        "fs.s3a.secret.key": "anything",
    }


def copy(jars: list[Path], settings: Mapping[str, str], work: Path, *words: object) -> None:
    """Run a command of the Hadoop file system shell."""
    folder = work / "hadoop"
    folder.mkdir(exist_ok=True)
    properties = (f"<property><name>{name}</name><value>{value}</value></property>" for name, value in settings.items())
    (folder / "core-site.xml").write_text(f"<configuration>{''.join(properties)}</configuration>", "utf-8")
    classes = ":".join([str(folder), *map(str, jars), f"{spark_home()}/jars/*"])
    call("java", "-Xmx512m", "-cp", classes, "org.apache.hadoop.fs.FsShell", *words)


def spark_environment(folder: Path, jars: list[Path], settings: Mapping[str, str]) -> dict[str, str]:
    """Environment variables for Spark with S3A."""
    folder.mkdir(exist_ok=True)
    lines = [f"spark.jars {','.join(map(str, jars))}\n", "spark.ui.enabled false\n"]
    lines += [f"spark.hadoop.{name} {value}\n" for name, value in settings.items()]
    (folder / "spark-defaults.conf").write_text("".join(lines), "utf-8")
    return {**os.environ, "SPARK_CONF_DIR": str(folder), "SPARK_LOCAL_IP": "127.0.0.1"}


def run(command: list[object], environment: Mapping[str, str], log: Path) -> None:
    """Run a command. If it fails, the program ends with what it printed."""
    with log.open("wb") as said:
        done = subprocess.run(list(map(str, command)), stdout=said, stderr=said, env=environment, check=False)
    if done.returncode:
        sys.exit(log.read_text("utf-8"))


def killed_run(command: list[object], environment: Mapping[str, str], endpoint: str, name: str) -> int:
    """Start a command and kill it, with all its processes, when some shards are done. Returns how many were."""
    quiet = subprocess.DEVNULL
    running = subprocess.Popen(
        list(map(str, command)), stdout=quiet, stderr=quiet, env=environment, start_new_session=True
    )
    while (done := finished_shards(endpoint, name)) < DONE and running.poll() is None:
        time.sleep(0.5)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    return done


def finished_shards(endpoint: str, name: str) -> int:
    """How many shards of a run have their counts on S3."""
    with urlopen(f"{endpoint}/{BUCKET}?list-type=2&prefix={name}/.running/") as answer:
        return len(COUNTS.findall(answer.read().decode()))


if __name__ == "__main__":
    sys.exit(main())
