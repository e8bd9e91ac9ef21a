"""The HL7 suite and the published libraries, if they are available."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from lxml import etree

from ecqm.language import Compiler, compile_expression
from ecqm.language.diagnostics import Diagnostics
from ecqm.language.parsing import parse_library
from tests.content import CONTENT
from tests.scripts import imported

elm_equality = imported("conformance/elm_equality.py")

SUITE = CONTENT / "cql-tests" / "tests" / "cql"

# Tests with a literal that the suite itself requires to be refused elsewhere, or that exceeds the limits of a Decimal
# (Author's Guide, Decimal: 28 digits, 8 of them after the decimal point).
UNREPRESENTABLE = {
    "FloorIntegerGreaterThanMaxInteger",
    "FloorIntegerLessThanMinInteger",
    "Decimal10Pow28ToZeroOneStepDecimalMaxValue",
    "DecimalPos10Pow28ToZeroOneStepDecimalMaxValue",
    "DecimalNeg10Pow28ToZeroOneStepDecimalMinValue",
}


@pytest.mark.skipif(not SUITE.is_dir(), reason="the HL7 suite is not at hand")
def test_every_valid_expression_of_the_suite_compiles() -> None:
    refused, compiled = set(), 0
    for path in sorted(SUITE.glob("*.xml")):
        for test in etree.parse(path).iter("{*}test"):
            expression = test.find("{*}expression")
            assert expression is not None
            errors = compile_expression(expression.text or "").errors
            invalid = expression.get("invalid")
            if invalid in ("syntax", "semantic"):
                assert errors, f"{test.get('name')} must be refused"
            elif invalid is None:
                compiled += not errors
                if errors:
                    refused.add(test.get("name"))
    assert refused == UNREPRESENTABLE
    assert compiled >= 1_700


needs_libraries = pytest.mark.skipif(
    not (CONTENT / elm_equality.CQL_FOLDERS[0]).is_dir(), reason="the published libraries are not at hand"
)


@needs_libraries
def test_every_published_statement_is_equal() -> None:
    report, errors, seconds = elm_equality.run(CONTENT)
    assert errors == {}
    assert report.differences == []
    assert report.equal == report.statements > 3_000
    assert seconds < 30 * 4, "a busy machine may be four times slower than it should be"


@needs_libraries
def test_the_largest_library_parses_in_a_second() -> None:
    folder: Path = CONTENT / elm_equality.CQL_FOLDERS[0]
    largest = max(folder.glob("*.cql"), key=lambda path: path.stat().st_size).read_text(encoding="utf-8-sig")
    parse_library(largest, Diagnostics())  # fills the prediction tables
    started = time.perf_counter()
    diagnostics = Diagnostics()
    parse_library(largest, diagnostics)
    assert not diagnostics.found
    assert time.perf_counter() - started < 4, "a second, on a machine that does nothing else"


@needs_libraries
def test_included_libraries_compile_once() -> None:
    known = elm_equality.sources(CONTENT)
    asked: list[str] = []
    resolver = elm_equality.resolver(known)

    def count(name: str, version: str | None) -> str | None:
        asked.append(f"{name} {version}")
        return resolver(name, version)

    compiler = Compiler(count)
    assert compiler.library("CQMCommon", "4.1.000") is compiler.library("CQMCommon", "4.1.000")
    assert len(asked) == len(set(asked))
