"""The reader of QRDA Category I documents (STU 5.3): one patient each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ecqm.data.fhir.demand import EVERYTHING
from ecqm.data.qdm.cohort import QdmCohortBuilder
from ecqm.data.qdm.qrda.demographics import Demographics, read_demographics
from ecqm.data.qdm.qrda.entries import Account, EntryReader, demanded
from ecqm.data.qdm.qrda.places import Reading
from ecqm.data.qdm.qrda.xml import CDA, Element, find_all, line, name, template
from ecqm.data.qdm.schema import NEWEST
from ecqm.data.qdm.structs import qdm_structs
from ecqm.terminology import VALUE_SETS, is_known_system
from ecqm.xml_parsing import UnsafeDocument, parse

_QRDA1 = template("24.1.1").oid
_Report = Callable[[Element, str], None]


def add_document(builder: QdmCohortBuilder, data: bytes, origin: str) -> list[Account]:
    """The patient of a QRDA I document; what became of each of its entries.

    What cannot be understood is among the builder's problems, by document, line and template. A document that is
    unsafe, that is no CDA, or that is about more than one patient adds nothing.
    """
    try:
        root = parse(data)
    except UnsafeDocument as error:
        builder.report(origin, f"not read: {error}")
        return []
    return _Document(builder, origin).add(root)


class _Document:
    """A document under way: findings are placed in it by lines."""

    def __init__(self, builder: QdmCohortBuilder, origin: str) -> None:
        self._builder = builder
        self._origin = origin
        self._patient: str | None = None

    def report(self, element: Element, message: str, what: str | None = None) -> None:
        self._builder.report(self._origin, message, line(element), self._patient, what)

    def add(self, root: Element) -> list[Account]:
        """Add the patient. See `add_document`."""
        if root.tag != f"{{{CDA}}}ClinicalDocument":
            self.report(root, f"no CDA document: its root is {root.tag}")
            return []
        _check_templates(self.report, root)
        targets = list(find_all(root, "recordTarget"))
        if len(targets) != 1:
            about = f"a QRDA Category I document is about one patient, this one about {len(targets)}"
            self.report(root, f"{about}: not read")
            return []
        # Documents are of the newest QDM; its parts serve older logic too, which takes of them what it knows.
        reading = Reading(qdm_structs(NEWEST, EVERYTHING), self.report)
        demographics = read_demographics(targets[0], reading)
        self._patient = demographics.identifier
        elements = self._characteristics(demographics)
        entries = EntryReader(self._builder, reading, self.report)
        accounts = []
        for entry in find_all(root, "component/structuredBody/component/section/entry"):
            account, found = entries.read(entry)
            accounts.append(account)
            elements += found
        _check_systems(self.report, root)
        patient = self._builder.structs.patient(
            id=demographics.identifier,
            birthDatetime=demographics.birth,
            dataElements=elements,
            qdmVersion=NEWEST,
            familyName=demographics.family_name,
            givenNames=demographics.given_names or None,
        )
        self._builder.add(patient, self._origin, demographics.authority)
        return accounts

    def _characteristics(self, demographics: Demographics) -> list[Any]:
        """The elements that the header tells, of the data types that are asked for."""
        types = self._builder.structs.data_types
        return [
            types[data_type](**demanded(self._builder, data_type, values))
            for data_type, values in demographics.elements
            if data_type in types
        ]


def _check_templates(report: _Report, root: Element) -> None:
    templates = {each.get("root"): each.get("extension") for each in root.iterchildren(name("templateId"))}
    if _QRDA1 not in templates:
        report(root, f"does not say that it is of QRDA Category I (template {_QRDA1})")
    elif templates[_QRDA1] is None:
        report(root, f"template {_QRDA1} has no extension, which says of what version it is")


def _check_systems(report: _Report, root: Element) -> None:
    """Code systems that are known under no name: their codes can only be compared with those of the same OID."""
    unknown: dict[str, Element] = {}
    for element in root.iter():
        system = element.get("codeSystem")
        if system and system != VALUE_SETS and not is_known_system(system):
            unknown.setdefault(system, element)
    for system, element in unknown.items():
        report(element, f"code system {system} is not known; its codes are kept under that OID")
