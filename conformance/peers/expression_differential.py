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

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import java_engine
from even_intervals import even
from expression_causes import Case, cause_of
from expression_forms import Form
from expressions import Expression, Shape, Writer
from install import FQM
from java_engine import NOW, Definition, JavaEngine
from plain_values import alike, plain, rounded

from ecqm.cli.conformance.suite import read_suite
from ecqm.columns import to_values
from ecqm.elm import write_json
from ecqm.elm.library import IndexedLibrary
from ecqm.elm.nodes import Library
from ecqm.elm.resolution import LibraryCollection, ResolvedLibraries
from ecqm.engine import EvaluationError, Executor, FhirProfiles, kernel_for
from ecqm.expressions.evaluation import NoData
from ecqm.language import Compiler
from ecqm.operators.message import telling
from ecqm.plan.lowering import Lowering
from ecqm.terminology import CodeIndex, Membership, ValueSetStore
from ecqm.values import EvaluationContext

HERE = Path(__file__).parent
ERROR = "error"
# What fqm-execution evaluates ELM with, version 3.3.2.
CQL_EXECUTION = FQM.parent / "cql-execution"
# Definitions of one library; the compiler takes time in proportion to them.
TOGETHER = 400
Values = dict[str, Any]
"""CQL to a plain value, or {"error": message}."""


# -- ecqm -------------------------------------------------------------------------------------------------------------


@dataclass
class Compiled:
    """Expressions as the definitions E0, E1, … of a library."""

    name: str
    sources: list[str]
    library: Library

    def named(self) -> Iterator[tuple[str, str]]:
        return ((f"E{number}", source) for number, source in enumerate(self.sources))


def compiled(sources: Sequence[str]) -> tuple[list[Compiled], list[str]]:
    """The expressions as libraries, and the expressions that do not compile."""
    libraries, refused = [], []
    for start in range(0, len(sources), TOGETHER):
        taken = list(sources[start : start + TOGETHER])
        name = f"Expressions{start // TOGETHER}"
        while True:
            written = [f"define E{number}: {' '.join(source.split())}" for number, source in enumerate(taken)]
            compilation = Compiler(None).compile_library("\n".join([f"library {name} version '1'", *written]))
            wrong = {error.span.line - 2 for error in compilation.errors}
            if not wrong:
                break
            refused += [taken[number] for number in wrong]
            taken = [source for number, source in enumerate(taken) if number not in wrong]
        libraries.append(Compiled(name, taken, compilation.library))
    return libraries, refused


def evaluated(libraries: Iterable[Compiled], *, kernels: bool = True) -> Values:
    """ecqm's values, each on its own; without `kernels` by the scalar meaning of every operator."""
    context = EvaluationContext.of_moment(datetime.fromisoformat(NOW).astimezone(UTC).replace(tzinfo=None))
    found: Values = {}
    with ExitStack() as changed:
        changed.enter_context(telling(lambda told: None))
        if not kernels:
            changed.enter_context(patch("ecqm.engine.calls.kernel_of", lambda name: None))
        for each in libraries:
            linked = LibraryCollection()
            main = IndexedLibrary(each.library)
            linked.add(main)
            resolved = linked.resolve(main)
            for name, source in each.named():
                found[source] = _value(resolved, name, context)
    return found


def _value(libraries: ResolvedLibraries, name: str, context: EvaluationContext) -> Any:
    """A new executor for each: one that has evaluated an expression reports its errors no second time."""
    executor = Executor(NoData(), Membership(CodeIndex(), ValueSetStore()), FhirProfiles(), context, {})
    try:
        node = Lowering(libraries, kernel_for).define(libraries.main, name)
        value = to_values(executor.evaluate(node, name).broadcast(1))[0]
    except EvaluationError as error:
        return {ERROR: str(error)}
    return {ERROR: executor.errors[0].message} if executor.errors else plain(value)


def in_columns(shapes: Iterable[Shape], known: Mapping[str, Any]) -> Values:
    """ecqm's values with all expressions of a shape in one query. Those that are errors by themselves are left out, and
    those with a literal that is an error: in the query, all literals are evaluated."""
    shapes = list(shapes)
    literals = evaluated(compiled(list({text for shape in shapes for row in shape.rows for text in row}))[0])
    queries: dict[str, list[str]] = {}
    for shape in shapes:
        sources = [expression.cql for expression in shape.expressions()]
        right = [source in known and not failed(known[source]) for source in sources]
        written = [not any(failed(literals[text]) for text in row) for row in shape.rows]
        numbers = [i for i in range(len(sources)) if right[i] and written[i]]
        if numbers:
            queries[shape.in_columns(numbers)] = [sources[i] for i in numbers]
    libraries, refused = compiled(list(queries))
    found: Values = {source: {ERROR: "does not compile"} for query in refused for source in queries[query]}
    for query, values in evaluated(libraries).items():
        together = [values] * len(queries[query]) if failed(values) else values
        found |= dict(zip(queries[query], together, strict=True))
    return found


# -- other engines ----------------------------------------------------------------------------------------------------


def by_java(libraries: Sequence[Compiled], folder: Path) -> Values:
    definitions = {
        f"{each.name}.{name}": (Definition(f"{each.name}.{name}", each.name, "1", name), source)
        for each in libraries
        for name, source in each.named()
    }
    with JavaEngine() as engine:
        (answers,) = engine.evaluate(_files(libraries, folder), [each for each, _ in definitions.values()])
    return {definitions[key][1]: value for key, value in answers.items()}


def by_cql_execution(libraries: Sequence[Compiled], folder: Path) -> Values:
    command = [
        "node",
        str(HERE / "cql_values.js"),
        str(CQL_EXECUTION),
        NOW,
        *map(str, _files(libraries, folder)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "TZ": "UTC"})
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    return {
        source: answer[name] for each, answer in zip(libraries, answers, strict=True) for name, source in each.named()
    }


def _files(libraries: Sequence[Compiled], folder: Path) -> list[Path]:
    files = []
    for each in libraries:
        files.append(folder / f"{each.name}.json")
        files[-1].write_bytes(write_json(each.library))
    return files


# -- comparison -------------------------------------------------------------------------------------------------------


def failed(value: Any) -> bool:
    return isinstance(value, dict) and ERROR in value


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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
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
    print(HEAD, *map(line, results), sep="\n")
    for result in results:
        ordered = sorted(result.causes.items(), key=lambda item: -item[1])
        print("", *(f"{result.engine}: {count} {cause or 'UNEXPLAINED'}" for cause, count in ordered), sep="\n")
        unexplained = [each for each in result.differences if not each.cause]
        print(*(f"{each.cql}: ecqm {each.ours}, {each.engine} {each.theirs}" for each in unexplained), sep="\n")
    if options.output:
        options.output.write_text(json.dumps([asdict(each) for each in results], indent=1))
    return int(any("" in result.causes for result in results))


HEAD = """\
| compared with | expressions | agree | a part differs | explained | unexplained |
|---|---:|---:|---:|---:|---:|"""


def line(result: Compared) -> str:
    unexplained = result.causes.get("", 0)
    explained = len(result.differences) - unexplained
    counts = (result.compared, result.agree, result.inherited, explained, unexplained)
    return f"| {result.engine} | {' | '.join(f'{count:,}' for count in counts)} |"


if __name__ == "__main__":
    sys.exit(main())
