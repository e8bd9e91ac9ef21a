"""The Java reference engine (info.cqframework engine and engine-fhir 3.29.0), as an oracle for ELM, with the clinical
reasoning that is built on it (org.opencds.cqf.fhir cqf-fhir-cr 3.28.0), as an oracle for populations.

    python conformance/peers/java_engine.py

installs it below `.peers`, together with the program that evaluates definitions by it (java/src). This needs Java 17
and Maven. `JavaEngine` runs that program.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from install import PEERS

JAVA = PEERS / "java"
SOURCES = Path(__file__).parent / "java"
# The moment of evaluation, Now() in all engines.
NOW = "2026-06-15T12:00:00.000Z"


@dataclass(frozen=True)
class Definition:
    """A definition to evaluate; its value is reported under `key`."""

    key: str
    library: str
    version: str | None
    name: str


@dataclass(frozen=True)
class Patients:
    """What definitions are evaluated about: a file with a Bundle per line, and what its evaluation depends on.

    `value_sets` has the codes of each value set, as (system, code); `profiles` the profiles that are derived from a
    retrieved profile, itself among them. For individual reports, `measure` is the file of the Measure and `primary` the
    name of its library. `mended` names faults of the engine to mend, as in Mends.java.
    """

    file: Path
    period: tuple[str, str]
    value_sets: Mapping[str, Iterable[tuple[str, str]]]
    profiles: Mapping[str, Iterable[str]]
    measure: Path | None = None
    primary: str | None = None
    mended: Sequence[str] = ()


def install() -> None:
    """Compile the program and copy the engine's libraries to `.peers/java`."""
    goals = ["compile", "dependency:copy-dependencies", f"-DoutputDirectory={JAVA / 'lib'}"]
    subprocess.run(["mvn", "-q", "-B", "-f", str(SOURCES / "pom.xml"), f"-Doutput={JAVA}", *goals], check=True)


def is_installed() -> bool:
    return (JAVA / "classes").is_dir() and (JAVA / "lib").is_dir()


def request(libraries: Iterable[Path], definitions: Iterable[Definition], patients: Patients | None) -> dict[str, Any]:
    """What the program is asked, as JSON."""
    asked: dict[str, Any] = {
        "libraries": [str(path) for path in libraries],
        "definitions": [[each.key, each.library, each.version, each.name] for each in definitions],
        "now": NOW,
        "mended": list(patients.mended) if patients is not None else [],
    }
    if patients is not None:
        asked["patients"] = str(patients.file)
        asked["period"] = list(patients.period)
        asked["valueSets"] = {url: sorted(codes) for url, codes in patients.value_sets.items()}
        asked["profiles"] = {url: sorted(urls) for url, urls in patients.profiles.items()}
        if patients.measure is not None:
            asked |= {"measure": str(patients.measure), "primary": patients.primary}
    return asked


class JavaEngine:
    """The engine as a process that answers one request after another; a context manager."""

    def __init__(self) -> None:
        classes = f"{JAVA / 'classes'}:{JAVA / 'lib'}/*"
        command = [
            "java",
            "-Xmx2g",
            "-XX:+UseSerialGC",
            "-Xss16m",
            "-Duser.timezone=UTC",
            "-cp",
            classes,
            "ecqm.peers.Evaluation",
        ]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()

    def evaluate(
        self, libraries: Iterable[Path], definitions: Sequence[Definition], patients: Patients | None = None
    ) -> list[dict[str, Any]]:
        """The plain value of each definition by its key, or {"error": message}, for each patient; without patients,
        once.

        `libraries` are files of ELM in JSON. Raises RuntimeError if the engine stops, which then writes why.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        answers: list[dict[str, Any]] = []
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "request.json"
            file.write_text(json.dumps(request(libraries, definitions, patients)))
            self._process.stdin.write(f"{file}\n")
            self._process.stdin.flush()
            while (line := self._process.stdout.readline()) != "\n":
                if not line:
                    raise RuntimeError("the Java engine stopped")
                answers.append(json.loads(line))
        return answers


if __name__ == "__main__":
    install()
    sys.exit(0 if is_installed() else 1)
