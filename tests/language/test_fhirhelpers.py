"""FHIRHelpers as the compiler supplies it, against the model's conversions and the published library."""

from __future__ import annotations

import pytest

from ecqm.elm import nodes
from ecqm.language import Compiler
from ecqm.language.fhirhelpers import fhir_helpers
from ecqm.models import load_model
from tests.content import CONTENT, needs_content

PUBLISHED = CONTENT / "ecqm-content-qicore-2025" / "input" / "cql" / "FHIRHelpers.cql"
LIBRARY = "library L\nusing FHIR version '4.0.1'\ninclude {}\ndefine X: FHIRHelpers.ToDate(@2026)\n"


def functions(source: str | None) -> set[tuple[str, str]]:
    """The name and the operand's type of every function that is not external."""
    assert source is not None
    compilation = Compiler().compile_library(source)
    assert compilation.ok, [error.render() for error in compilation.errors]
    defined = [each for each in compilation.library.statements if isinstance(each, nodes.FunctionDef)]
    return {(each.name, str(each.operand[0].operandTypeSpecifier)) for each in defined if each.expression is not None}


def test_every_conversion_of_the_model_has_its_function() -> None:
    fhir = load_model("FHIR")
    names = {name for name, _ in functions(fhir_helpers())}
    assert {conversion.function.rpartition(".")[2] for conversion in fhir.conversions} < names
    text = fhir_helpers() or ""
    primitive = [each for each in fhir.conversions if fhir.element(each.from_type, "value") is not None]
    for conversion in primitive:
        if str(conversion.from_type) != "FHIR.Quantity":
            model, _, name = str(conversion.from_type).partition(".")
            assert f'define function {conversion.function[12:]}(value {model}."{name}"): value.value' in text


@needs_content
def test_the_published_library_has_the_same_functions() -> None:
    published = functions(PUBLISHED.read_text("utf-8"))
    assert functions(fhir_helpers()) == published


@pytest.mark.parametrize("include", ["FHIRHelpers", "FHIRHelpers version '4.0.001'", "hl7.fhir.uv.cql.FHIRHelpers"])
def test_it_is_supplied_where_it_is_not_found(include: str) -> None:
    source = LIBRARY.format(f"{include} called FHIRHelpers").replace("ToDate(@2026)", "ToValueSet('urn:oid:1')")
    assert Compiler().compile_library(source).errors == ()
    assert Compiler(lambda name, version: None).compile_library(source).errors == ()


def test_one_that_is_found_is_used() -> None:
    own = "library FHIRHelpers version '4.0.1'\ndefine function ToDate(value Date): value\n"
    assert Compiler(lambda name, version: own).compile_library(LIBRARY.format("FHIRHelpers")).errors == ()


@pytest.mark.parametrize("version", ["3.0.0", "1.0.2", "4.0'"])
def test_other_versions_of_fhir_have_no_library(version: str) -> None:
    assert fhir_helpers(version) is None
    first, *_ = Compiler().compile_library(LIBRARY.format("FHIRHelpers version '3.0.0'")).errors
    assert "FHIRHelpers version 3.0.0 not found" in first.message
