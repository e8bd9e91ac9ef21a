"""QRDA Category I documents of patients, written and read again."""

from __future__ import annotations

from datetime import UTC, datetime

from ecqm.data.qdm import QdmCohortBuilder
from ecqm.data.qdm.patients import read_whole
from ecqm.data.qdm.qrda.entries import Account
from ecqm.data.qdm.qrda.reader import add_document
from ecqm.reporting.submissions.category1 import write_qrda1

RXNORM = "2.16.840.1.113883.6.88"
NOW = datetime(2026, 4, 2, 9, 10, tzinfo=UTC)


def written(document: bytes) -> bytes:
    builder, (first,) = read_whole(document, "patient.json")
    assert not builder.problems
    made = write_qrda1(first, now=NOW)
    assert not made.problems
    return made.xml


def read(xml: bytes) -> tuple[QdmCohortBuilder, list[Account]]:
    builder = QdmCohortBuilder()
    return builder, add_document(builder, xml, "document.xml")


def told(builder: QdmCohortBuilder) -> str:
    return "\n".join(map(str, builder.problems))
