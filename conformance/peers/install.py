"""Installs the engines that figures are compared with, each in a folder of its own below `.peers`.

    python conformance/peers/install.py

fqm-execution needs Node.js 18 or later with npm; fhir4ds goes into a virtual environment. What is there is kept.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PEERS = Path(__file__).parents[2] / ".peers"
FQM_VERSION = "1.8.6"
FHIR4DS_VERSION = "0.0.17"

FQM = PEERS / "fqm" / "node_modules" / "fqm-execution"
FHIR4DS_PYTHON = PEERS / "fhir4ds" / "venv" / "bin" / "python"


def install_fqm() -> None:
    if not (FQM / "package.json").is_file():
        FQM.parents[1].mkdir(parents=True, exist_ok=True)
        package = f"fqm-execution@{FQM_VERSION}"
        command = ["npm", "install", "--no-audit", "--no-fund", "--no-save", "--prefix", str(FQM.parents[1]), package]
        subprocess.run(command, check=True)


def install_fhir4ds() -> None:
    if not FHIR4DS_PYTHON.is_file():
        venv = FHIR4DS_PYTHON.parents[1]
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        packages = [f"fhir4ds-v2[measures]=={FHIR4DS_VERSION}"]
        subprocess.run([str(FHIR4DS_PYTHON), "-m", "pip", "install", "--quiet", *packages], check=True)


if __name__ == "__main__":
    install_fqm()
    install_fhir4ds()
