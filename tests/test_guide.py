"""The guide works as it is written: its files are written, its commands and its Python are run, in their order."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from ecqm.cli.main import main

ROOT = Path(__file__).parent.parent
GUIDE = (ROOT / "docs" / "guide.md").read_text("utf-8")

FILE = re.compile(r"^`([\w/.-]+)`:\n\n((?:    .*\n|\n)+)", re.MULTILINE)
COMMAND = re.compile(r"^    ((?:ecqm|python) (?:.*\\\n)*.*)$", re.MULTILINE)
PYTHON = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
# What a reader is to put something of their own for.
PLACE = re.compile(r"\b[A-Z]{2,}\b(?!_)")
EXPECTED = re.compile(r"\s+# exit code (\d)")


def commands() -> list[tuple[list[str], int]]:
    """The words of each command that can be run as it is, and the exit code that is expected of it."""
    found = []
    for text in COMMAND.findall(GUIDE):
        words = shlex.split(text.replace("\\\n", ""), comments=True)
        if not any(PLACE.fullmatch(part) for word in words[2:] for part in re.split(r"\W", word)):
            code = EXPECTED.search(text)
            found.append((words, int(code[1]) if code else 0))
    return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files of the guide, beside the sample measures."""
    folder = tmp_path_factory.mktemp("guide")
    for name in ("measure_bundles", "tools"):
        (folder / name).symlink_to(ROOT / name)
    for name, text in FILE.findall(GUIDE):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(line[4:] or "\n" for line in text.splitlines(keepends=True)), "utf-8")
    return folder


def test_guide(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    outputs: dict[str, str] = {}
    for words, code in commands():
        if words[0] == "ecqm":
            result = CliRunner().invoke(main, words[1:])
            assert result.exit_code == code, (words, result.output)
            outputs[words[1]] = result.stdout
        else:
            subprocess.run([sys.executable, *words[1:]], check=True, capture_output=True, timeout=60)
    commanded = "compile measures test explain eval format run submission bundle requirements compare load"
    assert set(commanded.split()) == set(outputs)
    # What the page shows of the explanation is what comes out.
    shown = re.search(r"\n\n((?:    .*\n)+)\nThe visit took 20 minutes", GUIDE)
    assert shown and "".join(line[4:] for line in shown[1].splitlines(keepends=True)) in outputs["explain"]
    assert outputs["eval"] == "{ 20 }\n"
    for name in re.findall(r"^\| `([\w.]+)` \|", GUIDE, re.MULTILINE):
        assert (place / "results" / name).exists()
    (code_of_page,) = PYTHON.findall(GUIDE)
    names: dict[str, object] = {}
    exec(code_of_page, names)
    assert names["scores"] and names["rows"] and names["failed"] == []


def test_all_of_the_guide_is_found() -> None:
    assert len(FILE.findall(GUIDE)) == 4
    assert len(commands()) > 12
