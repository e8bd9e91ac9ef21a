"""The reader of QRDA Category I documents (STU 5.3): one patient each, every entry accounted for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from ecqm.data.fhir.demand import EVERYTHING
from ecqm.data.qdm.cohort import QdmCohortBuilder
from ecqm.data.qdm.qrda.datatypes import IDENTIFIER
from ecqm.data.qdm.qrda.demographics import read_demographics
from ecqm.data.qdm.qrda.entry_template import EntryTemplate
from ecqm.data.qdm.qrda.places import Reading, principal_diagnosis
from ecqm.data.qdm.qrda.templates import FORMER_WRAPPERS, REPORT_ENTRIES, by_oid
from ecqm.data.qdm.qrda.xml import (
    CDA,
    Element,
    find,
    find_all,
    line,
    local,
    name,
    steps,
    template,
    template_oids,
)
from ecqm.data.qdm.schema import CODES, NEGATION, NEWEST
from ecqm.data.qdm.structs import Quantity, qdm_structs
from ecqm.terminology import VALUE_SETS, is_known_system
from ecqm.xml_parsing import UnsafeDocument, parse

_QRDA1 = template("24.1.1").oid
# What a statement may hold beside what is understood: nothing of QDM is in these.
_MEANINGFUL = frozenset(("entryRelationship", "participant", "inFulfillmentOf1", "author", "performer"))


@dataclass(frozen=True)
class Account:
    """What became of an entry: its line, the template that told what it is, and the data type or other thing it is.

    `understood` is False for an entry that gave nothing; the problems of the document say why.
    """

    line: int | None
    template: str | None
    meaning: str
    understood: bool = True


@dataclass
class _Document:
    """A document under way: findings are placed in it by lines."""

    builder: QdmCohortBuilder
    origin: str
    patient: str | None = None
    told: dict[tuple[str, str | None, str | None], list[dict[str, Any]]] = field(default_factory=dict)
    # The templates of other versions, each reported where it occurs first.
    other_versions: set[tuple[str, str | None]] = field(default_factory=set)

    def report(self, element: Element | None, message: str, what: str | None = None) -> None:
        at = None if element is None else line(element)
        self.builder.report(self.origin, message, at, self.patient, what)

    def repeats(self, found: EntryTemplate, identifier: Element | None, values: dict[str, Any]) -> bool:
        """Whether an earlier entry said the same of the same thing. Documents repeat a thing for every measure."""
        if identifier is None or identifier.get("root") is None:
            return False
        thing = (found.template.oid, identifier.get("root"), identifier.get("extension"))
        known = self.told.setdefault(thing, [])
        if values in known:
            return True
        known.append(values)
        return False


def add_document(builder: QdmCohortBuilder, data: bytes, origin: str) -> list[Account]:
    """The patient of a QRDA I document; what became of each of its entries.

    What cannot be understood is among the builder's problems, by document, line and template. A document that is
    unsafe, that is no CDA, or that is about more than one patient adds nothing.
    """
    document = _Document(builder, origin)
    try:
        root = parse(data)
    except UnsafeDocument as error:
        document.report(None, f"not read: {error}")
        return []
    if root.tag != f"{{{CDA}}}ClinicalDocument":
        document.report(root, f"no CDA document: its root is {root.tag}")
        return []
    _check_templates(document, root)
    targets = list(find_all(root, "recordTarget"))
    if len(targets) != 1:
        document.report(
            root, f"a QRDA Category I document is about one patient, this one about {len(targets)}: not read"
        )
        return []
    # Documents are of the newest QDM; its parts serve older logic too, which takes of them what it knows.
    reading = Reading(qdm_structs(NEWEST, EVERYTHING), document.report)
    demographics = read_demographics(targets[0], reading)
    document.patient = demographics.identifier
    elements = [
        struct(**_demanded(builder, data_type, values))
        for data_type, values in demographics.elements
        if (struct := builder.structs.data_types.get(data_type)) is not None
    ]
    accounts = []
    for entry in find_all(root, "component/structuredBody/component/section/entry"):
        account, found = _read_entry(document, entry, reading)
        accounts.append(account)
        elements += found
    _check_systems(document, root)
    patient = builder.structs.patient(
        id=demographics.identifier,
        birthDatetime=demographics.birth,
        dataElements=elements,
        qdmVersion=NEWEST,
        familyName=demographics.family_name,
        givenNames=demographics.given_names or None,
    )
    builder.add(patient, origin, demographics.authority)
    return accounts


def _check_templates(document: _Document, root: Element) -> None:
    templates = {each.get("root"): each.get("extension") for each in root.iterchildren(name("templateId"))}
    if _QRDA1 not in templates:
        document.report(root, f"does not say that it is of QRDA Category I (template {_QRDA1})")
    elif templates[_QRDA1] is None:
        document.report(root, f"template {_QRDA1} has no extension, which says of what version it is")


def _check_systems(document: _Document, root: Element) -> None:
    """Code systems that are known under no name: their codes can only be compared with those of the same OID."""
    unknown: dict[str, Element] = {}
    for element in root.iter():
        system = element.get("codeSystem")
        if system and system != VALUE_SETS and not is_known_system(system):
            unknown.setdefault(system, element)
    for system, element in unknown.items():
        document.report(element, f"code system {system} is not known; its codes are kept under that OID")


# -- entries ----------------------------------------------------------------------------------------------------------


def _read_entry(document: _Document, entry: Element, reading: Reading) -> tuple[Account, list[Any]]:
    statement = next(entry.iterchildren(), None)
    if statement is None:
        document.report(entry, "an empty entry")
        return Account(line(entry), None, "empty", False), []
    former = next((path for oid in template_oids(statement) if (path := FORMER_WRAPPERS.get(oid))), None)
    if former is not None:
        statement = find(statement, former) if find(statement, former) is not None else statement
    assert statement is not None
    oids = template_oids(statement)
    known = next(((oid, found) for oid in reversed(oids) if (found := by_oid(oid)) is not None), None)
    if known is None:
        about = next((oid for oid in oids if oid in REPORT_ENTRIES), None)
        if about is not None:
            return Account(line(statement), about, REPORT_ENTRIES[about]), []
        told = ", ".join(oids) or "no template"
        document.report(statement, f"an entry that is not understood ({local(statement)}; {told})", told)
        return Account(line(statement), oids[-1] if oids else None, "not understood", False), []
    oid, found = known
    _check_extension(document, statement, oid, found)
    inner = _inner(statement, found)
    if inner is None:
        document.report(statement, f"holds no statement of template {found.template.oid}", oid)
        return Account(line(statement), oid, found.data_types[0], False), []
    values = _values(document, statement, inner, found, reading)
    if values is None:
        return Account(line(statement), oid, found.data_types[0], False), []
    _check_understood(document, statement, inner, reading, oid)
    if document.repeats(found, _identifier(statement, inner), values):
        return Account(line(statement), oid, found.data_types[0]), []
    schema = document.builder.structs.schema
    if found.data_types[0] not in schema.data_types:
        document.report(statement, f"{found.data_types[0]} is not a data type of QDM {schema.version}: left out", oid)
        return Account(line(statement), oid, found.data_types[0], False), []
    return Account(line(statement), oid, found.data_types[0]), list(_elements(document.builder, found, values))


def _check_extension(document: _Document, statement: Element, oid: str, found: EntryTemplate) -> None:
    expected = found.template
    if oid != expected.oid and found.wrapper is not None:
        expected = steps(found.wrapper.step)[0].templates[-1]
    extension = next(
        (each.get("extension") for each in statement.iterchildren(name("templateId")) if each.get("root") == oid), None
    )
    if extension != expected.extension and (oid, extension) not in document.other_versions:
        document.other_versions.add((oid, extension))
        told = f"has the extension {extension}" if extension else "has no extension"
        document.report(statement, f"template {oid} {told}; it is read as that of {expected.extension or 'none'}", oid)


def _inner(statement: Element, found: EntryTemplate) -> Element | None:
    """The data type's own statement: the entry's, or the one that its wrapper holds."""
    if found.template.oid in template_oids(statement) or found.wrapper is None:
        return statement
    return find(statement, f"{found.wrapper.relation}/{found.step}")


def _values(
    document: _Document, outer: Element, inner: Element, found: EntryTemplate, reading: Reading
) -> dict[str, Any] | None:
    """The attributes of an entry; None for a negated one that does not say why, which is neither done nor not done."""
    identifier = _identifier(outer, inner)
    values: dict[str, Any] = {"id": None if identifier is None else reading.take(identifier, IDENTIFIER)}
    for place in found.places:
        value = place.read(inner, reading)
        if value is not None or place.attribute not in values:
            values[place.attribute] = value
    for place in (*found.outer, *found.also):
        value = place.read(outer, reading)
        if values.get(place.attribute) is None:
            values[place.attribute] = value
    reason = found.negation.read(outer, reading)
    if outer.get("negationInd") == "true" or inner.get("negationInd") == "true":
        rationale = reason if reason is not None else values.get("reason")
        values["reason"] = None
        if rationale is None:
            message = f"{found.data_types[0]} was not done, without a reason: left out"
            document.report(outer, message, found.template.oid)
            return None
        values[NEGATION] = rationale
    elif outer is not inner and values.get("reason") is None:
        values["reason"] = reason
    if values.get(CODES) is None:
        document.report(outer, f"{found.data_types[0]} without a code", found.template.oid)
    return values


def _identifier(outer: Element, inner: Element) -> Element | None:
    own = find(inner, "id")
    return find(outer, "id") if own is None else own


def _check_understood(document: _Document, outer: Element, inner: Element, reading: Reading, oid: str) -> None:
    """What statements hold that has no place in QDM is told, never passed over in silence."""
    for statement in {outer, inner}:
        for child in statement.iterchildren():
            if local(child) in _MEANINGFUL and child not in reading.understood and child is not inner.getparent():
                told = ", ".join(each for held in (child, *child.iterchildren()) for each in template_oids(held))
                document.report(child, f"{local(child)} ({told or 'no template'}) is not understood", oid)


def _elements(builder: QdmCohortBuilder, found: EntryTemplate, values: dict[str, Any]) -> Iterator[Any]:
    """The elements of an entry: of its data type, and of others that share the template where those are asked for."""
    types = found.data_types[:1] if builder.demand.types is None else found.data_types
    for data_type in types:
        struct = builder.structs.data_types.get(data_type)
        if struct is not None:
            yield struct(**_demanded(builder, data_type, values))


def _demanded(builder: QdmCohortBuilder, data_type: str, values: dict[str, Any]) -> dict[str, Any]:
    attributes = builder.structs.attributes(data_type)
    demanded = {key: value for key, value in values.items() if key in attributes and key != "code"}
    if "lengthOfStay" in attributes:
        demanded["lengthOfStay"] = length_of_stay(values.get("relevantPeriod"))
    if "principalDiagnosis" in attributes:
        demanded["principalDiagnosis"] = principal_diagnosis(values.get("diagnoses"))
    return demanded


def length_of_stay(period: Any) -> Quantity | None:
    """Days between admission and discharge (QDM, "Length of Stay"): QRDA tells it by the period."""
    if period is None or not period.low or not period.high:
        return None
    try:
        admitted, discharged = (date.fromisoformat(text[:10]) for text in (period.low, period.high))
    except ValueError:
        return None
    return Quantity(Decimal((discharged - admitted).days), "d")
