"""Install the engines to compare with, each in its own folder below `.peers`.

    python conformance/peers/install.py

fqm-execution and cqm-execution need Node.js 18 or later with npm. fhir4ds is installed in a virtual environment. The
reference translator needs Java 17 and Maven; without Maven it is left out.
Engines that are already installed are kept.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

PEERS = Path(__file__).parents[2] / ".peers"
FQM_VERSION = "1.8.6"
CQM_VERSION = "4.4.0"
FHIR4DS_VERSION = "0.0.17"

FQM = PEERS / "fqm" / "node_modules" / "fqm-execution"
CQM = PEERS / "cqm" / "node_modules" / "cqm-execution"
FHIR4DS_PYTHON = PEERS / "fhir4ds" / "venv" / "bin" / "python"
TRANSLATOR_JARS = PEERS / "translator" / "jars"


def install_node(package: Path, version: str) -> None:
    """Install a Node.js package to the folder `package`."""
    if not (package / "package.json").is_file():
        folder = package.parents[1]
        folder.mkdir(parents=True, exist_ok=True)
        options = ["--no-audit", "--no-fund", "--no-save", "--prefix", str(folder)]
        subprocess.run(["npm", "install", *options, f"{package.name}@{version}"], check=True)


def install_fhir4ds() -> None:
    if not FHIR4DS_PYTHON.is_file():
        venv = FHIR4DS_PYTHON.parents[1]
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        packages = [f"fhir4ds-v2[measures]=={FHIR4DS_VERSION}"]
        subprocess.run([str(FHIR4DS_PYTHON), "-m", "pip", "install", "--quiet", *packages], check=True)


def install_translator() -> None:
    if not TRANSLATOR_JARS.is_dir() and shutil.which("mvn") is not None:
        pom = Path(__file__).parent / "reference_translator" / "pom.xml"
        goal = ["dependency:copy-dependencies", f"-DoutputDirectory={TRANSLATOR_JARS}"]
        subprocess.run(["mvn", "-q", "-f", str(pom), *goal], check=True)


if __name__ == "__main__":
    install_node(FQM, FQM_VERSION)
    install_node(CQM, CQM_VERSION)
    install_fhir4ds()
    install_translator()
