"""Errors of libraries that are compiled: they name the file, the place, the library and the definition."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecqm.bundles.content import Content
from ecqm.bundles.evaluation.compiling import ContentSources
from ecqm.bundles.evaluation.planning import Planner
from ecqm.elm import ElmError
from ecqm.measures.definition import MeasureError
from tests.bundles import visits

BROKEN = visits.CQL.replace("exists [Observation]", "exist [Observation]")


def refused(root: Path, error: type[Exception] = ElmError, libraries: tuple[Path, ...] = ()) -> str:
    content = Content.open(root, libraries)
    with pytest.raises(error) as caught:
        Planner(content).plan(content.measure("Visits"))
    return str(caught.value)


def test_errors_name_library_file_place_and_definition(tmp_path: Path) -> None:
    root = visits.repository(tmp_path, visits.measure())
    file = root / "input" / "cql" / "Visits.cql"
    file.parent.mkdir()
    file.write_text(BROKEN, "utf-8")
    told = refused(root).splitlines()
    assert told[0] == "Visits|1.0.000: does not compile:"
    assert told[1].startswith(f"{file}:7:21: error: ") and told[1].endswith(' (in "Numerator")')


def test_cql_within_a_resource(tmp_path: Path) -> None:
    root = visits.repository(tmp_path, visits.measure(), visits.library(BROKEN))
    file = root / "input" / "resources" / "library" / "Visits-1.0.000.json"
    assert f"\n{file} (text/cql):7:21: error: " in refused(root)


def test_errors_of_an_included_library_name_its_file(tmp_path: Path) -> None:
    cql = visits.CQL.replace("parameter", "include Common version '1'\nparameter")
    root = visits.repository(tmp_path / "content", visits.measure(), visits.library(cql))
    common = tmp_path / "more" / "Common.cql"
    common.parent.mkdir()
    common.write_text("library Common version '1'\ndefine Two: Fist({ 2 })", "utf-8")
    assert f"{common}:2:13: error: unknown function 'Fist'; did you mean 'First'? (in \"Two\")" in refused(
        root, libraries=(common.parent,)
    )


def test_versions_at_hand_of_an_included_library_are_named(tmp_path: Path) -> None:
    content = Content.open(visits.repository(tmp_path))
    assert ContentSources(content).versions("org.example.Visits") == ["1.0.000"]


def test_errors_of_a_criterion(tmp_path: Path) -> None:
    measure = visits.measure_with("numerator", "Fist([Observation])", "text/cql")
    root = visits.repository(tmp_path, measure, visits.library())
    assert refused(root, MeasureError).splitlines()[1].startswith("criterion:1:1: error: unknown function 'Fist'")
