"""Compare the server with the command line, over HTTP.

    python conformance/server.py CONTENT --libraries DIR --valuesets DIR [--suite DIR] [--measure NAME]… [--output FILE]

Starts `ecqm serve` on a free port of this machine. Sends every expression of HL7's tests of CQL (--suite) to `$cql`,
reads the Parameters, and judges the values as `ecqm conformance` does. Sends the data of every case of the measures
(--measure) to `Measure/$evaluate-measure`, a patient at a time, and compares the MeasureReports, which must be valid
FHIR, with those of `ecqm run --individual`. Exits with 1 if a test fails or a report differs.

FHIR's Range and Period have closed boundaries only. An expected interval is therefore compared in its closed form:
Interval[1, 4) is Interval[1, 3], and a closed null is the minimum or maximum. A dateTime without a time has no offset.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import msgspec
from content_arguments import content_parser, opened
from fhir.resources.R4B import get_fhir_model_class

from ecqm.bundles.decks.matching import match_deck
from ecqm.cli.conformance import KNOWN, as_json, as_table
from ecqm.cli.conformance.judging import Status, Verdict, judge, read_known
from ecqm.cli.conformance.suite import SuiteTest, read_suite
from ecqm.data.files.content import read_document
from ecqm.expressions.evaluation import ExpressionRefused, evaluate_expression
from ecqm.measures.decks.test_cases import TestCase
from ecqm.operators.message import telling
from ecqm.server.cql_values import value_of
from ecqm.values import CqlError, DateTime, EvaluationContext, Interval, Tuple
from ecqm.values.steps import maximum_like, minimum_like, predecessor, successor
from ecqm.values.temporal import HOUR

Json = dict[str, Any]

# -- the server -------------------------------------------------------------------------------------------------------


class Refused(ExpressionRefused):
    """An expression that the server refused to evaluate."""

    def __init__(self, text: str) -> None:
        super().__init__(())
        self.text = text

    def __str__(self) -> str:
        return self.text


class Server:
    """A running server."""

    def __init__(self, host: str, port: int) -> None:
        self._address = host, port

    def call(self, path: str, *parameters: Json) -> tuple[int, Json]:
        """The status and the resource of the answer to a POST."""
        sent = msgspec.json.encode({"resourceType": "Parameters", "parameter": parameters})
        with closing(HTTPConnection(*self._address, timeout=300)) as connection:
            connection.request("POST", path, sent, {"Content-Type": "application/fhir+json"})
            response = connection.getresponse()
            return response.status, json.loads(response.read(), parse_float=Decimal)

    def value(self, expression: str) -> Any:
        """The value of an expression. Raises ExpressionRefused and CqlError, as the evaluation here would."""
        status, found = self.call("/$cql", {"name": "expression", "valueString": expression})
        if status != 200:
            text = "; ".join(issue["details"]["text"] for issue in found["issue"])
            raise Refused(text) if status == 400 else CqlError(text)
        return value_of([each for each in found["parameter"] if each["name"] == "return"])[0]


@contextmanager
def serving(options: argparse.Namespace) -> Iterator[Server]:
    """A server of the content in the arguments, until it is no longer needed."""
    command = [sys.executable, "-m", "ecqm", "serve", *_content(options), "--port", "0", "--jobs", "1"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        told = ""
        while (found := re.search(r"http://([\d.]+):(\d+)", told)) is None:
            line = process.stderr.readline()
            if not line:
                sys.exit(f"the server did not start:\n{told}")
            told += line
        yield Server(found[1], int(found[2]))
    finally:
        process.terminate()
        process.communicate()


def _content(options: argparse.Namespace) -> list[str]:
    more = [("--libraries", path) for path in options.libraries] + [("--valuesets", path) for path in options.valuesets]
    return [str(options.content), *(str(word) for pair in more for word in pair)]


# -- HL7's tests ------------------------------------------------------------------------------------------------------


def judged(suite: Path, server: Server) -> list[Verdict]:
    """Every test of a suite, with the value that the server gives."""
    known = read_known(KNOWN)
    request = EvaluationContext.of_this_moment()
    with telling(lambda told: None):
        return [judge(test, _sent(test, server, request), known) for test in read_suite(suite)]


def _sent(test: SuiteTest, server: Server, request: EvaluationContext) -> Callable[[str], Any]:
    """Evaluates the expression of a test over HTTP, and the outputs that it expects here."""
    waiting = [test.expression]

    def evaluate(source: str) -> Any:
        if waiting:
            return server.value(waiting.pop())
        return in_fhir(evaluate_expression(source, request))

    return evaluate


def in_fhir(value: Any) -> Any:
    """A value as FHIR can tell it: intervals in their closed form, date-times without a time without an offset."""
    match value:
        case DateTime() if value.rank < HOUR:
            return DateTime.from_fields(value.fields)
        case Interval(low, high, low_closed, high_closed):
            if low is not None and not low_closed:
                low, low_closed = successor(low), True
            if high is not None and not high_closed:
                high, high_closed = predecessor(high), True
            if low is None and low_closed and high is not None:
                low = minimum_like(high)
            if high is None and high_closed and low is not None:
                high = maximum_like(low)
            return Interval(in_fhir(low), in_fhir(high), low_closed, high_closed)
        case tuple() | list():
            return tuple(map(in_fhir, value))
        case Tuple():
            return Tuple({name: in_fhir(element) for name, element in value.items()}, value.type_name)
    return value


# -- MeasureReports ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """The data of a case as a Bundle, and the ids of its patients."""

    name: str
    bundle: Json
    patients: frozenset[str]

    @classmethod
    def of(cls, case: TestCase) -> Case:
        """The data of a test case, without what is expected of it."""
        documents = [json.loads(read_document(file)) for file in case.files]
        found = [entry["resource"] for each in documents for entry in each.get("entry", [{"resource": each}])]
        resources = [each for each in found if each["resourceType"] != "MeasureReport"]
        # Some patients have no id; they are alone in their case.
        patients = frozenset(each.setdefault("id", "none") for each in resources if each["resourceType"] == "Patient")
        entries = [{"resource": each} for each in resources]
        return cls(case.name, {"resourceType": "Bundle", "type": "collection", "entry": entries}, patients)


def compared(options: argparse.Namespace, server: Server) -> Iterator[tuple[str, int, list[str]]]:
    """For each measure: its name, how many patients were compared, and how their reports differ."""
    names = () if "all" in options.measure else options.measure
    for of_measure in match_deck(opened(options), names=names).measures:
        name, cases = of_measure.measure.name, list(map(Case.of, of_measure.cases))
        differing: list[str] = []
        for together in _apart(cases):
            expected = _reports_of_run(options, name, together)
            for case in together:
                for patient in sorted(case.patients):
                    differing += _difference(server, name, case, patient, expected.get(patient))
        yield name, sum(len(case.patients) for case in cases), differing


def _apart(cases: Iterable[Case]) -> list[list[Case]]:
    """The cases in groups within which no patient is in two cases."""
    groups: list[list[Case]] = []
    for case in cases:
        for group in groups:
            if not any(case.patients & other.patients for other in group):
                group.append(case)
                break
        else:
            groups.append([case])
    return groups


def _reports_of_run(options: argparse.Namespace, measure: str, cases: Sequence[Case]) -> dict[str, Json]:
    """The individual reports of `ecqm run` on the data of some cases, by patient."""
    with tempfile.TemporaryDirectory() as folder:
        data, output = Path(folder, "data"), Path(folder, "output")
        data.mkdir()
        for number, case in enumerate(cases):
            (data / f"{number}.json").write_bytes(msgspec.json.encode(case.bundle))
        more = ["--measure", measure, "--data", data, "--individual", "--output", output]
        command = [sys.executable, "-m", "ecqm", "run", *_content(options), *map(str, more)]
        subprocess.run(command, check=True, capture_output=True)
        lines = (output / "individual.ndjson").read_text("utf-8").splitlines()
    reports = [json.loads(line, parse_float=Decimal) for line in lines]
    return {report["subject"]["reference"].removeprefix("Patient/"): report for report in reports}


def _difference(server: Server, measure: str, case: Case, patient: str, expected: Json | None) -> Iterator[str]:
    """How the report that the server gives for a patient differs from the expected one, if it does."""
    data = {"name": "data", "resource": case.bundle}
    subject = {"name": "subject", "valueString": f"Patient/{patient}"}
    status, found = server.call(f"/Measure/{measure}/$evaluate-measure", subject, data)
    get_fhir_model_class(found["resourceType"]).model_validate(found)
    if expected is None and status == 422:
        return
    if expected is None or status != 200:
        yield f"{case.name} {patient}: status {status}, {'a' if expected else 'no'} report of the run"
    elif _without_messages(found) != {name: value for name, value in expected.items() if name != "date"}:
        yield f"{case.name} {patient}: the reports differ"


def _without_messages(report: Json) -> Json:
    """A report without its date, and without the remarks that `ecqm run` writes elsewhere."""
    contained = [each for each in report.get("contained", ()) if each["resourceType"] != "OperationOutcome"]
    kept = {name: value for name, value in report.items() if name not in ("date", "extension", "contained")}
    return kept | ({"contained": contained} if contained else {})


def main() -> int:
    parser = content_parser(__doc__)
    parser.add_argument("--suite", type=Path)
    parser.add_argument("--measure", action="append", default=[], help="measure by name, or all")
    parser.add_argument("--output", type=Path, help="file for the verdicts on the suite, as JSON")
    options = parser.parse_args()
    failed = False
    with serving(options) as server:
        if options.suite is not None:
            verdicts = judged(options.suite, server)
            print(as_table(verdicts))
            failed |= any(verdict.status in (Status.FAIL, Status.SKIP) for verdict in verdicts)
            if options.output is not None:
                options.output.write_text(as_json(verdicts), "utf-8")
        for name, patients, differing in compared(options, server) if options.measure else ():
            print(f"{name:60} {patients:6} patients {patients - len(differing):6} reports as in `ecqm run`")
            print("".join(f"  {line}\n" for line in differing), end="")
            failed |= bool(differing)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
