"""What a document cannot express of a patient's data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from lxml import etree

from ecqm.data.qdm.qrda.codes import write_identifier
from ecqm.data.qdm.qrda.xml import Element, add_null, name


@dataclass
class Problems:
    """The problems of a document, in the order of its writing."""

    found: list[str] = field(default_factory=list)

    def add(self, problem: str) -> None:
        self.found.append(problem)

    @contextmanager
    def noting(self, about: str) -> Iterator[None]:
        """Note why a value cannot be written: CDA has no place for it, or XML does not allow its characters."""
        try:
            yield
        except ValueError as error:
            self.add(f"{about}: {error}")


def write_own_id(parent: Element, identifier: object, about: str, problems: Problems) -> None:
    """The identifier of a patient or data element."""
    if identifier is None:
        add_null(parent, "id")
        return
    element = etree.SubElement(parent, name("id"))
    with problems.noting(f"{about}.id"):
        write_identifier(element, str(identifier))
