"""Compiling libraries and expressions, and the libraries that these include."""

from __future__ import annotations

from ecqm.language import Compiler, compile_expression, compile_library
from ecqm.types import parse_type
from tests.language.libraries import messages


def test_statements_keep_the_order_of_the_source_whatever_they_refer_to() -> None:
    library = compile_library("define A: B + 1 define B: C define C: 1").library
    assert [s.name for s in library.statements] == ["A", "B", "C"]


def test_an_expression_in_the_light_of_a_library() -> None:
    compilation = compile_expression("A + 0.5", library="define A: 1")
    assert compilation.errors == () and compilation.result == parse_type("Decimal")


def test_errors_of_included_libraries_are_reported_where_they_are_included() -> None:
    def broken(name: str, version: str | None) -> str | None:
        return "library Inner define A: 1 define B: wrong"

    compilation = compile_library("library Outer include Inner define C: Inner.A + 1", resolver=broken)
    assert len(compilation.errors) == 1
    assert "the included library Inner has an error" in compilation.errors[0].message
    assert [s.name for s in compilation.library.statements] == ["C"]


def test_libraries_that_include_each_other_are_refused() -> None:
    libraries = {"A": "library A include B", "B": "library B include A"}
    compilation = Compiler(lambda name, _: libraries.get(name)).library("A")
    assert compilation is not None and "cyclic include: A includes B includes A" in compilation.errors[0].message


def test_what_needs_a_library_that_was_not_found_is_not_reported_as_well() -> None:
    source = (
        "using FHIR version '4.0.1'\ninclude Status\ninclude FHIRHelpers version '9'\ncontext Patient\n"
        "define A: Status.Active\ndefine B: ([Encounter]).verified()\ndefine C: A\n"
        "define D: [Encounter] E where E.period during Interval[@2026, @2027]"
    )
    assert messages(source) == [
        "f:2:1: error: library Status not found",
        "f:3:1: error: library FHIRHelpers version 9 not found",
    ]
