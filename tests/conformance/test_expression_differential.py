"""Random expressions, and their values compared; without the other engines."""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any

import pytest

from tests.scripts import imported, run

SCRIPT = "conformance/peers/expression_differential.py"


@pytest.fixture(scope="module")
def differential() -> ModuleType:
    return imported(SCRIPT)


@pytest.fixture(scope="module")
def shapes(differential: ModuleType) -> Any:
    return list(differential.Writer(7).shapes(120, rows=3))


def written(shapes: Any) -> list[str]:
    return [each.cql for shape in shapes for whole in shape.expressions() for each in whole.all()]


def test_a_seed_gives_the_same_expressions_again(differential: ModuleType, shapes: Any) -> None:
    again = differential.Writer(7).shapes(120, rows=3)
    assert written(again) == written(shapes)
    assert written(differential.Writer(8).shapes(120, rows=3)) != written(shapes)


def test_all_forms_occur_in_turn(differential: ModuleType) -> None:
    forms = imported("conformance/peers/expression_forms.py").forms()
    made = differential.Writer(1).shapes(len(forms), rows=1)
    assert {shape.node.form for shape in made} == set(forms)


def test_parts_come_before_the_whole(shapes: Any) -> None:
    wholes = [whole for shape in shapes for whole in shape.expressions() if whole.parts]
    assert wholes
    for whole in wholes:
        *parts, last = whole.all()
        assert last is whole
        assert all(f"({part.cql})" in whole.cql for part in parts)


def test_kernels_give_the_values_of_scalars(differential: ModuleType, shapes: Any) -> None:
    """Author's Guide, Expressions: the value of an expression does not depend on how it is evaluated."""
    libraries, refused = differential.compiled(list(dict.fromkeys(written(shapes))))
    assert refused == []
    known = {"ecqm": differential.evaluated(libraries)}
    known["scalars"] = differential.evaluated(libraries, kernels=False)
    known["columns"] = differential.in_columns(shapes, known["ecqm"])
    expressions = [each for shape in shapes for whole in shape.expressions() for each in whole.all()]
    for engine in ("scalars", "columns"):
        compared = differential.compare(engine, expressions, known)
        assert [(each.cql, each.ours, each.theirs) for each in compared.differences] == []
        assert compared.compared == compared.agree > 200


def test_a_difference_in_a_part_is_counted_once(differential: ModuleType) -> None:
    form = differential.Form("{0} + {1}", ("Integer", "Integer"), "Integer")
    part = differential.Expression("1 + 1", form)
    whole = differential.Expression("(1 + 1) + 1", form, (part,))
    known = {"ecqm": {"1 + 1": "2", "(1 + 1) + 1": "3"}, "Java": {"1 + 1": "7", "(1 + 1) + 1": "8"}}
    compared = differential.compare("Java", [part, whole], known)
    assert (compared.compared, compared.agree, compared.inherited) == (2, 0, 1)
    assert [(each.cql, each.cause) for each in compared.differences] == [("1 + 1", "")]
    assert differential.line(compared) == "| Java | 2 | 0 | 1 | 0 | 1 |"


@pytest.mark.parametrize(
    ("engine", "ours", "theirs", "same"),
    [
        ("Java", "0.33333333", "0.33333334", False),
        ("cql-execution", "0.33333333333", "0.333333333334", True),
        ("Java", {"error": "one"}, {"error": "another"}, True),
        ("Java", None, {"error": "one"}, False),
    ],
)
def test_what_counts_as_the_same(differential: ModuleType, engine: str, ours: Any, theirs: Any, same: bool) -> None:
    assert differential.same(engine, "Decimal", ours, theirs) is same


@pytest.mark.parametrize(
    ("type_", "one", "other"),
    [
        ("Integer", ("1", "4", True, False), ("1", "3", True, True)),
        ("Integer", (None, "3", True, True), ("-2147483648", "3", True, True)),
        ("Quantity", ("1 g", "2 g", False, True), ("1.00000001 g", "2 g", True, True)),
        ("Date", ("@2012.2.28", "@2012.3.1", False, True), ("@2012.2.29", "@2012.3.1", True, True)),
        ("Time", ("T10:30:00.000", None, False, True), ("T10:30:00.001", "T23:59:59.999", True, True)),
        (
            "DateTime",
            ("@2012-01-01T00:00:00.000Z", "@2012-02-01T00:00:00.000Z", True, False),
            ("@2012-01-01T00:00:00.000Z", "@2012-01-31T23:59:59.999Z", True, True),
        ),
    ],
)
def test_intervals_with_the_same_points(type_: str, one: Any, other: Any) -> None:
    even = imported("conformance/peers/even_intervals.py").even

    def plain(parts: Any) -> Any:
        return {"low": parts[0], "high": parts[1], "closed": [parts[2], parts[3]]}

    assert even(plain(one), f"Interval<{type_}>") == even(plain(other), f"Interval<{type_}>")
    assert even([plain(one)], f"List<Interval<{type_}>>") == even([plain(other)], f"List<Interval<{type_}>>")
    assert even(plain(one), f"Interval<{type_}>") != even(plain((*one[:2], not one[2], one[3])), f"Interval<{type_}>")


def test_imprecise_bounds_are_compared_as_they_are_written() -> None:
    even = imported("conformance/peers/even_intervals.py").even
    assert even({"low": "@2012", "high": None, "closed": [True, False]}, "Interval<Date>") == [["@2012", True], None]


def test_causes_are_patterns_of_an_engine_with_a_passage() -> None:
    causes = imported("conformance/peers/expression_causes.py")
    for cause in causes.causes():
        assert cause.engine in ("scalars", "columns", "Java", "cql-execution") and cause.why
        assert cause.form or cause.cql or cause.ours or cause.theirs or cause.check
        assert all(re.compile(pattern) for pattern in (cause.form, cause.cql, cause.ours, cause.theirs))

    def named(*case: Any) -> Any:
        return causes.cause_of(causes.Case(*case))

    assert "rounded down" in named("Java", "1.0 / 3.0", "{0} / {1}", "0.33333333", "0.33333332")
    assert "not converted" in named("Java", "1 'g' = 1000 'mg'", "{0} = {1}", True, None)
    assert named("Java", "1 + 1", "{0} + {1}", "2", "3") == causes.UNEXPLAINED


def test_the_script_describes_itself() -> None:
    assert "--shapes" in run(SCRIPT, "--help")
    assert "LowBoundary" in run("conformance/peers/expressions.py", "--count", "1500")
