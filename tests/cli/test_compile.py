"""`ecqm compile` and `ecqm format`: where output goes, and what errors say."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from ecqm.cli.compile import command as compile_command
from ecqm.cli.format import command as format_command
from ecqm.elm import read_xml
from ecqm.language.sources import index


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name}.cql"
    path.write_text(text, encoding="utf-8")
    return path


def test_one_file_goes_to_standard_output(tmp_path: Path) -> None:
    path = write(tmp_path, "A", "library A version '1' define B: 1 + 1")
    result = CliRunner().invoke(compile_command, [str(path)])
    assert result.exit_code == 0
    library = json.loads(result.stdout)["library"]
    assert library["identifier"] == {"id": "A", "version": "1"}
    assert library["statements"]["def"][0]["expression"]["type"] == "Add"


def test_a_folder_is_written_file_by_file(tmp_path: Path) -> None:
    write(tmp_path, "A", "library A version '1' include B version '2' define X: B.Y")
    write(tmp_path, "B", "library B version '2' define Y: 'y'")
    output = tmp_path / "elm"
    arguments = [
        str(tmp_path),
        "--output",
        str(output),
        "--format",
        "xml",
        "--locators",
        "--cache",
        str(tmp_path / "c"),
    ]
    for _ in range(2):
        result = CliRunner().invoke(compile_command, arguments)
        assert result.exit_code == 0, result.output
    assert sorted(path.name for path in output.iterdir()) == ["A.xml", "B.xml"]
    assert read_xml((output / "A.xml").read_bytes()).statements[0].name == "X"


def test_errors_say_where_and_what_and_exit_1(tmp_path: Path) -> None:
    path = write(tmp_path, "A", "library A\ndefine B:\n  Cont({ 1 })\n")
    result = CliRunner().invoke(compile_command, [str(path)])
    assert result.exit_code == 1
    assert f"{path}:3:3: error: unknown function 'Cont'; did you mean 'Count'?" in result.stderr
    assert "  Cont({ 1 })\n      ^^^^^^^^^^^" in result.stderr


def test_more_than_one_file_needs_a_folder_to_write_to(tmp_path: Path) -> None:
    for name in "AB":
        write(tmp_path, name, f"library {name}")
    assert CliRunner().invoke(compile_command, [str(tmp_path)]).exit_code == 2


def test_files_of_one_name_do_not_overwrite_each_others_elm(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder, "A", "library A define X: 1")
    result = CliRunner().invoke(compile_command, [str(tmp_path), "--output", str(tmp_path / "elm")])
    assert result.exit_code == 2 and "have the same name" in result.stderr
    assert not (tmp_path / "elm").exists()


def test_included_libraries_are_found_in_content(tmp_path: Path) -> None:
    (tmp_path / "content").mkdir()
    write(tmp_path / "content", "Inner", "library Inner version '1' define Y: 1")
    path = write(tmp_path, "A", "library A include Inner define X: Inner.Y")
    assert CliRunner().invoke(compile_command, [str(path), "--content", str(tmp_path / "content")]).exit_code == 0


def test_format_prints_checks_and_writes(tmp_path: Path) -> None:
    path = write(tmp_path, "A", "define A:1+1")
    formatted = "define A:\n  1 + 1\n"
    assert CliRunner().invoke(format_command, [str(path)]).stdout == formatted
    assert CliRunner().invoke(format_command, [str(path), "--check"]).exit_code == 1
    assert CliRunner().invoke(format_command, [str(path), "--in-place"]).exit_code == 0
    assert path.read_text(encoding="utf-8") == formatted
    assert CliRunner().invoke(format_command, [str(path), "--check"]).exit_code == 0
    write(tmp_path, "B", "define B: (")
    assert CliRunner().invoke(format_command, [str(tmp_path), "--check"]).exit_code == 1


def test_files_that_are_not_utf_8(tmp_path: Path) -> None:
    good = write(tmp_path, "A", "library A define A: 1")
    (tmp_path / "B.cql").write_bytes("library B define B: 1".encode("utf-16"))
    (tmp_path / "C.cql").write_bytes(b"library C // caf\xe9\ndefine C: 1")
    (tmp_path / "D.cql").write_bytes(b"library D\ndefine D: 'caf\xe9'")
    result = CliRunner().invoke(compile_command, [str(tmp_path), "--output", str(tmp_path / "elm")])
    assert result.exit_code == 2
    assert "B.cql: it is UTF-16" in result.stderr and "D.cql:2:11: error:" in result.stderr
    assert sorted(path.name for path in (tmp_path / "elm").iterdir()) == ["A.json", "C.json"]
    before = {path: path.read_bytes() for path in tmp_path.glob("*.cql")}
    result = CliRunner().invoke(format_command, [str(tmp_path), "--in-place"])
    assert result.exit_code == 2
    assert "C.cql: line 1 is not UTF-8" in result.stderr and "D.cql: line 2 is not UTF-8" in result.stderr
    assert [path for path, content in before.items() if path.read_bytes() != content] == [good]


def test_control_characters_are_written_as_json_only(tmp_path: Path) -> None:
    path = write(tmp_path, "A", "library A define A: '\\u0001'")
    assert CliRunner().invoke(compile_command, [str(path)]).exit_code == 0
    result = CliRunner().invoke(compile_command, [str(path), "--format", "xml"])
    assert result.exit_code == 1 and "A: cannot be written as XML" in result.stderr


def test_versions_of_any_length(tmp_path: Path) -> None:
    for number, version in enumerate(("1.9", "1.10", "9" * 5000, "1.10-beta")):
        write(tmp_path, f"I{number}", f"library Inner version '{version}' define Y: {number}")
    assert index([tmp_path]).versions("Inner") == ["9" * 5000, "1.10", "1.10-beta", "1.9"]
