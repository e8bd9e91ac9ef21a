"""Validate CDA documents (QRDA I and III) with HL7's schema and a Schematron, which the project does not include.

    python conformance/schematron.py --schema CDA_SDTC.xsd --schematron GUIDE.sch DOCUMENT...

Prints the errors of each document: the constraint, how many times it is broken, and where first. `voc.xml`, which the
Schematrons of HL7 and CMS refer to, has to be beside the Schematron. Exits with 1 if there are errors.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from content_arguments import runner_parser
from lxml import etree, isoschematron  # type: ignore[attr-defined]

from ecqm.xml_parsing import parse

_FAILED = "{http://purl.oclc.org/dsdl/svrl}failed-assert"
_VOCABULARY = "document('voc.xml')"


def schematron_of(path: Path) -> Any:
    """The constraints of the phase `errors`, if the Schematron has it; otherwise all."""
    document: Any = parse(path.read_bytes()).getroottree()
    phases = document.xpath("//*[local-name()='phase']/@id")
    vocabulary = f"document('{(path.resolve().parent / 'voc.xml').as_uri()}')"
    for element in document.iter(etree.Element):
        for attribute, text in element.attrib.items():
            if _VOCABULARY in text:
                element.set(attribute, text.replace(_VOCABULARY, vocabulary))
    return isoschematron.Schematron(document, phase="errors" if "errors" in phases else None, store_report=True)


def errors_of(document: Any, schema: Any, schematron: Any) -> Iterator[tuple[str, str]]:
    """What is wrong with a document: the constraint, and where."""
    if not schema.validate(document):
        for error in schema.error_log:
            yield f"schema: {error.message}", f"line {error.line}"
    schematron.validate(document)
    for failed in schematron.validation_report.iter(_FAILED):
        told = " ".join("".join(failed.itertext()).split())
        yield f"{failed.get('id') or 'schematron'}: {told}", failed.get("location") or ""


def main() -> int:
    parser = runner_parser(__doc__)
    parser.add_argument("--schema", type=Path, required=True)
    parser.add_argument("--schematron", type=Path, required=True)
    parser.add_argument("documents", type=Path, nargs="+")
    arguments = parser.parse_args()
    schema = etree.XMLSchema(file=arguments.schema)
    schematron = schematron_of(arguments.schematron)
    wrong = 0
    for path in arguments.documents:
        found = defaultdict(list)
        for constraint, place in errors_of(parse(path.read_bytes()), schema, schematron):
            found[constraint].append(place)
        wrong += bool(found)
        for constraint, places in found.items():
            print(f"{path}: {len(places)} x {constraint} ({places[0]})")
    print(f"{len(arguments.documents)} documents, {wrong} with errors")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
