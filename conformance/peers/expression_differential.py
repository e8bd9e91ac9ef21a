"""CQL expressions held against the Java reference engine and cql-execution, and kernels against scalars.

    python conformance/peers/expression_differential.py [--shapes 5000] [--rows 5] [--seed 1] [--suite FOLDER]
        [--json FILE]

Random expressions (expressions.py), and those of the HL7 suite in FOLDER, are compiled once to ELM by ecqm, and this
ELM is evaluated by
  - ecqm, as `ecqm eval` does it,
  - ecqm without its kernels, so that every operator is evaluated on scalars,
  - ecqm with all expressions of a shape as the rows of one query, so that kernels work on columns,
  - the Java reference engine (java_engine.py) and cql-execution (install.py), whichever is installed.

Every part of an expression is an expression as well; a difference that is in a part already is not counted again. The
others are explained by a cause of expression_causes.toml, or unexplained; then the program exits with 1. Unexplained
differences are printed, `--json` writes all.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import java_engine
from even_intervals import even
from expression_causes import Case, cause_of
from expression_forms import Form
from expression_values import (
    CQL_EXECUTION,
    Values,
    by_cql_execution,
    by_java,
    compiled,
    evaluated,
    failed,
    in_columns,
)
from expressions import Expression, Shape, Writer
from plain_values import alike, rounded
from runners import runner_parser, table_head, table_row, write_results

from ecqm.cli.conformance.suite import read_suite


@dataclass
class Difference:
    """An expression of which an engine thinks differently than ecqm, and the name of the cause; "" if unexplained."""

    engine: str
    cql: str
    form: str
    ours: Any
    theirs: Any
    cause: str


@dataclass
class Compared:
    """`compared` expressions with an engine, of which `agree` agree; in `inherited` a part differs already."""

    engine: str
    compared: int = 0
    agree: int = 0
    inherited: int = 0
    causes: dict[str, int] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)


def same(engine: str, type_: str, ours: Any, theirs: Any) -> bool:
    """Whether two values of a CQL type are the same. cql-execution calculates in floating point, so that fewer digits
    are compared."""
    if failed(ours) or failed(theirs):
        return failed(ours) and failed(theirs)
    ours, theirs = even(ours, type_), even(theirs, type_)
    return alike(rounded(ours), rounded(theirs)) if engine == "cql-execution" else alike(ours, theirs)


def compare(engine: str, expressions: Iterable[Expression], known: Mapping[str, Values]) -> Compared:
    """The values of `engine` with those of ecqm; `known` has the values of every engine by its name."""
    result = Compared(engine)
    ours, theirs = known["ecqm"], known[engine]
    differing: set[str] = set()
    for expression in expressions:
        if expression.cql not in ours or expression.cql not in theirs:
            continue
        result.compared += 1
        mine, other = ours[expression.cql], theirs[expression.cql]
        if same(engine, expression.form.result, mine, other):
            result.agree += 1
            continue
        differing.add(expression.cql)
        if any(part.cql in differing for whole in expression.parts for part in whole.all()):
            result.inherited += 1
            continue
        cause = cause_of(Case(engine, expression.cql, expression.form.cql, mine, other))
        result.causes[cause] = result.causes.get(cause, 0) + 1
        result.differences.append(Difference(engine, expression.cql, expression.form.cql, mine, other, cause))
    return result


# -- the program ----------------------------------------------------------------------------------------------------


def suite_expressions(folder: Path | None) -> list[Expression]:
    """The expressions of the HL7 suite that may be evaluated."""
    tests = [] if folder is None else read_suite(folder)
    sources = dict.fromkeys(" ".join(test.expression.split()) for test in tests if test.invalid in (None, "false"))
    written = [source for source in sources if "//" not in source and "define" not in source]
    return [Expression(source, Form(source, (), "")) for source in written]


def values_of(shapes: Sequence[Shape], others: Sequence[Expression]) -> dict[str, Values]:
    """The values by every engine that is there."""
    sources = [each.cql for shape in shapes for whole in shape.expressions() for each in whole.all()]
    libraries, refused = compiled(list(dict.fromkeys([*sources, *(each.cql for each in others)])))
    print(f"{sum(len(each.sources) for each in libraries)} expressions compile, {len(refused)} do not: {refused[:3]}")
    own = evaluated(libraries)
    known = {"ecqm": own, "scalars": evaluated(libraries, kernels=False), "columns": in_columns(shapes, own)}
    with tempfile.TemporaryDirectory() as folder:
        if java_engine.is_installed():
            known["Java"] = by_java(libraries, Path(folder))
        if CQL_EXECUTION.is_dir():
            known["cql-execution"] = by_cql_execution(libraries, Path(folder))
    return known


HEAD = table_head("compared with", "expressions", "agree", "a part differs", "explained", "unexplained")


def line(result: Compared) -> str:
    """The figures of an engine as a line of the table."""
    unexplained = result.causes.get("", 0)
    explained = len(result.differences) - unexplained
    return table_row(result.engine, result.compared, result.agree, result.inherited, explained, unexplained)


def show(results: Sequence[Compared]) -> None:
    """Print the figures of all engines, how often each cause was found, and the unexplained differences."""
    print(HEAD, *map(line, results), sep="\n")
    for result in results:
        ordered = sorted(result.causes.items(), key=lambda item: -item[1])
        print("", *(f"{result.engine}: {count} {cause or 'UNEXPLAINED'}" for cause, count in ordered), sep="\n")
        unexplained = [each for each in result.differences if not each.cause]
        print(*(f"{each.cql}: ecqm {each.ours}, {each.engine} {each.theirs}" for each in unexplained), sep="\n")


def main() -> int:
    parser = runner_parser(__doc__)
    parser.add_argument("--shapes", type=int, default=5000)
    parser.add_argument("--rows", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--suite", type=Path)
    parser.add_argument("--json", type=Path, dest="output")
    options = parser.parse_args()
    shapes = list(Writer(options.seed).shapes(options.shapes, options.rows))
    suite = suite_expressions(options.suite)
    known = values_of(shapes, suite)
    made = [each for shape in shapes for whole in shape.expressions() for each in whole.all()]
    expressions = list({each.cql: each for each in (*made, *suite)}.values())
    results = [compare(engine, expressions, known) for engine in known if engine != "ecqm"]
    show(results)
    write_results(options.output, results)
    return int(any("" in result.causes for result in results))


if __name__ == "__main__":
    sys.exit(main())
