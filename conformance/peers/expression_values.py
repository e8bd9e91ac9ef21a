"""The values of CQL expressions by every engine: ecqm, with and without its kernels, and those that are installed."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

from expressions import Shape
from install import FQM
from java_engine import NOW, Definition, JavaEngine
from plain_values import plain

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


def failed(value: Any) -> bool:
    """Whether evaluation ended with an error."""
    return isinstance(value, dict) and ERROR in value


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
    """The values of the Java engine."""
    definitions = {
        f"{each.name}.{name}": (Definition(f"{each.name}.{name}", each.name, "1", name), source)
        for each in libraries
        for name, source in each.named()
    }
    with JavaEngine() as engine:
        (answers,) = engine.evaluate(_files(libraries, folder), [each for each, _ in definitions.values()])
    return {definitions[key][1]: value for key, value in answers.items()}


def by_cql_execution(libraries: Sequence[Compiled], folder: Path) -> Values:
    """The values of cql-execution."""
    command = ["node", str(HERE / "cql_values.js"), str(CQL_EXECUTION), NOW, *map(str, _files(libraries, folder))]
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
