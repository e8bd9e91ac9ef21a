"""All inputs compile or are reported, in a short time."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecqm.language import compile_expression, compile_library

WORDS = Path(__file__).with_name("fuzz_words.txt").read_text(encoding="utf-8").split()


def compiles_or_reports(source: str) -> None:
    started = time.process_time()
    for compilation in (compile_library(source), compile_expression(source)):
        for found in compilation.errors:
            assert found.span.line >= 1 and found.message and found.render("f")
    assert time.process_time() - started < 20


SETTINGS = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@SETTINGS
@given(st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join))
def test_any_words_compile_or_are_reported(source: str) -> None:
    compiles_or_reports(source)


@SETTINGS
@given(st.lists(st.sampled_from(WORDS), max_size=20).map(" ".join))
def test_any_words_in_a_definition(source: str) -> None:
    compiles_or_reports(f"define A: {source}\ndefine B: A")


@SETTINGS
@given(st.text(max_size=60))
def test_any_text_compiles_or_is_reported(source: str) -> None:
    compiles_or_reports(source)


@pytest.mark.parametrize(
    "source",
    [
        "(" * 5_000,
        "(" * 190 + "1" + ")" * 190,
        "{" * 300 + "}" * 300,
        "[" * 5_000,
        "not " * 5_000 + "true",
        "-" * 5_000 + "1",
        "exists " * 3_000 + "{1}",
        "if true then 1 else " * 2_000 + "1",
        "case when " * 1_000,
        "1" + " + 1" * 5_000,
        "true" + " and true" * 5_000,
        "X" + ".x" * 5_000,
        "List<" * 3_000,
        "{" + "1, " * 10_000 + "1}",
        "'" * 5_000,
        '"' * 5_001,
        "/*" * 5_000,
        "define " * 2_000,
        "1 starts " * 500,
        "A where " * 500,
    ],
    ids=lambda source: source[:12],
)
def test_deep_and_long_inputs(source: str) -> None:
    compiles_or_reports(source)
    compiles_or_reports(f"define A: {source}")
