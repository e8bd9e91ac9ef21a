"""`ecqm conformance`: run the HL7 tests of CQL."""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ecqm.cli.examples import examples
from ecqm.cli.options import EXISTING, format_option, output_option
from ecqm.cli.parameters import argument, takes
from ecqm.cli.progress import progress
from ecqm.cli.terminal import write

if TYPE_CHECKING:
    from ecqm.cli.conformance.judging import Verdict

# Commands import what they need when they run, to keep --help fast.

KNOWN = Path(__file__).parent / "known.toml"


@dataclass(frozen=True)
class ConformanceRequest:
    """The arguments of `ecqm conformance`."""

    path: Path = argument(type=EXISTING)
    format: str = format_option("table", "json", of="results")
    output: Path | None = output_option()


@click.command(
    "conformance",
    epilog=examples(
        "ecqm conformance cql-tests/tests/cql",
    ),
)
@takes(ConformanceRequest)
def command(request: ConformanceRequest) -> None:
    """Run the CQL tests of PATH (an XML file of HL7's test format, or a folder of them).

    Exits with 0 if all pass (those listed as known to be wrong aside), with 1 if not, and with 2 if it could not run.
    """
    from ecqm.cli.conformance.judging import Status
    from ecqm.cli.conformance.suite import SuiteError

    try:
        verdicts = run(request.path)
    except SuiteError as error:
        raise click.ClickException(str(error)) from error
    write((as_json if request.format == "json" else as_table)(verdicts), request.output)
    sys.exit(1 if any(verdict.status in (Status.FAIL, Status.SKIP) for verdict in verdicts) else 0)


def run(path: Path) -> list[Verdict]:
    """Judge every test of a suite, all in one evaluation request. Raises SuiteError."""
    from ecqm.cli.conformance.judging import judge, read_known
    from ecqm.cli.conformance.suite import read_suite
    from ecqm.expressions.evaluation import evaluate_expression
    from ecqm.operators.message import telling
    from ecqm.values import EvaluationContext

    known = read_known(KNOWN)
    request = EvaluationContext.of_this_moment()
    tests = read_suite(path)
    verdicts = []
    with telling(lambda told: None), progress("tests", len(tests)) as advance:
        for test in tests:
            verdicts.append(judge(test, lambda source: evaluate_expression(source, request), known))
            advance(1, test.file)
    return verdicts


def totals(verdicts: list[Verdict]) -> dict[str, int]:
    """How many tests there are, and how many of each status."""
    counts = Counter(verdict.status.value for verdict in verdicts)
    return {"tests": len(verdicts), **{status: counts[status] for status in ("pass", "fail", "skip", "listed")}}


def as_json(verdicts: list[Verdict]) -> str:
    """The results as JSON: totals and every test."""
    results = [verdict.to_json() for verdict in verdicts]
    return json.dumps({"totals": totals(verdicts), "results": results}, indent=2, ensure_ascii=False)


def as_table(verdicts: list[Verdict]) -> str:
    """The results as text: counts by file, then every failing test with the expected and the actual value."""
    lines = [f"{'file':44} {'tests':>6} {'pass':>6} {'fail':>6} {'skip':>6} {'listed':>6}"]
    by_file: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        by_file.setdefault(verdict.test.file, []).append(verdict)
    for file, together in [*by_file.items(), ("all", verdicts)]:
        lines.append(f"{file:44} " + " ".join(f"{count:6}" for count in totals(together).values()))
    for verdict in verdicts:
        if verdict.status.value in ("fail", "skip"):
            expression = " ".join(verdict.test.expression.split())
            lines.append(f"\n{verdict.status.value} {verdict.test.file} {verdict.test.name}: {verdict.reason}")
            lines += [f"  {expression}", f"  expected {verdict.expected}", f"  actual   {verdict.actual}"]
    return "\n".join(lines)
