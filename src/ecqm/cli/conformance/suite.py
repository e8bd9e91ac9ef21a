"""Reading test suites in the XML that HL7 publishes for CQL and FHIRPath."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ecqm.xml_parsing import UnsafeDocument, parse

_NS = "{http://hl7.org/fhirpath/tests}"


class SuiteError(ValueError):
    """A file that is not a test suite, or cannot be read."""


@dataclass(frozen=True, slots=True)
class SuiteTest:
    """One test: an expression and the outputs expected of it, themselves expressions.

    `invalid` says that the expression has to be refused: `syntax` or `semantic`, in translation; `true`, in
    translation or evaluation; None, not at all."""

    file: str
    group: str
    name: str
    expression: str
    outputs: tuple[str, ...]
    invalid: str | None


def read_suite(path: Path) -> list[SuiteTest]:
    """All tests of a file, or of the XML files of a folder in the order of their names. Raises SuiteError."""
    files = sorted(path.glob("**/*.xml")) if path.is_dir() else [path]
    tests = [test for file in files for test in _read_file(file)]
    if not tests:
        raise SuiteError(f"{path} holds no tests")
    return tests


def _read_file(file: Path) -> Iterator[SuiteTest]:
    try:
        root = parse(file.read_bytes())
    except (OSError, UnsafeDocument) as error:
        raise SuiteError(f"{file}: {error}") from None
    if root.tag != f"{_NS}tests":
        raise SuiteError(f"{file} is not a test suite")
    for group in root.iter(f"{_NS}group"):
        for test in group.iter(f"{_NS}test"):
            expression = test.find(f"{_NS}expression")
            if expression is None:
                raise SuiteError(f"{file}: the test {test.get('name')} has no expression")
            yield SuiteTest(
                file.name,
                group.get("name", ""),
                test.get("name", ""),
                (expression.text or "").strip(),
                tuple((output.text or "").strip() for output in test.iter(f"{_NS}output")),
                expression.get("invalid"),
            )
