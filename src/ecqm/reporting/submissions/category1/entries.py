"""The entries of a QRDA Category I document: a QDM data element in the template of its data type."""

from __future__ import annotations

from typing import Any

from lxml import etree

from ecqm.data.qdm.qrda.codes import write_code
from ecqm.data.qdm.qrda.demographics import BIRTHDATE, CODED
from ecqm.data.qdm.qrda.derived import length_of_stay
from ecqm.data.qdm.qrda.entry_template import EntryTemplate, Fixed
from ecqm.data.qdm.qrda.places import Place
from ecqm.data.qdm.qrda.templates import by_data_type
from ecqm.data.qdm.qrda.xml import XSI_TYPE, Element, add, add_code, add_null, ensure, find, local, name, template_oids
from ecqm.data.qdm.schema import NEGATION
from ecqm.data.qdm.structs import TAG, Code, Period
from ecqm.reporting.submissions.category1.nested_templates import COMPLETED, FIXED_CODES, SAME_CODE
from ecqm.reporting.submissions.category1.problems import Problems, write_own_id
from ecqm.reporting.submissions.category1.required import write_required

_WRITTEN_APART = frozenset(("id", "_id", "code", NEGATION))


def write_element(section: Element, element: Any, problems: Problems) -> None:
    """The entry of a data element (a struct of `QdmStructs`); characteristics of the patient are in the header."""
    data_type = type(element).__name__
    if data_type == BIRTHDATE or data_type in CODED:
        return
    found = by_data_type(data_type)
    if found is None:
        problems.add(f"{TAG}{data_type}: QRDA I R5.3 has no template for it")
        return
    if not element.__struct_fields__:
        problems.add(f"{data_type}: the patient's version of QDM does not have it")
        return
    if data_type != found.data_types[0]:
        told = f"{data_type}: QRDA I R5.3 has one template for it and {found.data_types[0]}, as which it may be read"
        problems.add(told)
    entry = etree.SubElement(section, name("entry"), typeCode="DRIV")
    outer = add(entry, found.step if found.wrapper is None else found.wrapper.step)
    inner = outer if found.wrapper is None else ensure(outer, f"{found.wrapper.relation}/{found.step}")
    _write_values(outer, inner, element, found, problems)
    _complete(outer, inner, found)


def _write_values(outer: Element, inner: Element, element: Any, found: EntryTemplate, problems: Problems) -> None:
    about = type(element).__name__
    identifier = element.id if element.id is not None else getattr(element, "_id", None)
    if isinstance(identifier, dict):
        identifier = identifier.get("value")
    write_own_id(inner, identifier, about, problems)
    negation = getattr(element, NEGATION, None)
    if negation is not None:
        outer.set("negationInd", "true")
        _put(about, found.negation, outer, negation, problems)
    places: dict[str, tuple[Place, Element]] = {place.attribute: (place, inner) for place in found.places}
    places |= {place.attribute: (place, outer) for place in found.outer}
    for attribute in element.__struct_fields__:
        value = getattr(element, attribute)
        if value is None or value == [] or attribute in _WRITTEN_APART:
            continue
        if attribute == "lengthOfStay" and _days(value) == _days(length_of_stay(element.relevantPeriod)):
            continue
        if attribute not in places:
            problems.add(f"{about}.{attribute}: QRDA I R5.3 has no place for it")
        elif attribute == "reason" and negation is not None:
            problems.add(f"{about}.reason: what was not done has its reason as the rationale alone")
        elif attribute == "relevantPeriod" and getattr(element, "relevantDatetime", None) is not None:
            problems.add(f"{about}.relevantPeriod: an entry has one time, which is its relevantDatetime")
        elif not (isinstance(value, Period) and value.low is None and value.high is None):
            place, statement = places[attribute]
            _put(about, place, statement, value, problems)


def _put(about: str, place: Place, statement: Element, value: Any, problems: Problems) -> None:
    with problems.noting(f"{about}.{place.attribute}"):
        place.write(statement, value)


def _days(quantity: Any) -> Any:
    """The days of a length of stay, in any spelling of the unit; None if there is none."""
    return None if quantity is None or quantity.unit not in ("d", "day", "days") else quantity.value


def _complete(outer: Element, inner: Element, found: EntryTemplate) -> None:
    """Add what the templates require beyond QDM: fixed codes, status codes, and null flavors for unknown codes and
    times."""
    _fix(inner, found.fixed)
    if found.status is not None and find(inner, "statusCode") is None:
        etree.SubElement(inner, name("statusCode"), code=found.status)
    if found.wrapper is not None:
        _fix(outer, found.wrapper.fixed)
    code = find(inner, "code")
    for each in outer.iterdescendants():
        oids = template_oids(each)
        if find(each, "code") is None:
            fixed = next((FIXED_CODES[oid] for oid in oids if oid in FIXED_CODES), None)
            if fixed is not None:
                add_code(each, "code", *fixed)
            elif SAME_CODE.intersection(oids) and code is not None:
                write_code(etree.SubElement(each, name("code")), Code(code.get("code"), code.get("codeSystem")))
        if COMPLETED.intersection(oids) and find(each, "statusCode") is None:
            etree.SubElement(each, name("statusCode"), code="completed")
    if local(inner) in ("observation", "procedure", "encounter", "act") and code is None:
        add_null(inner, "code")
    write_required(outer)
    for author in outer.iter(name("author")):
        if find(author, "assignedAuthor") is None:
            add_null(ensure(author, "assignedAuthor"), "id", "NA")


def _fix(statement: Element, fixed: Fixed) -> None:
    for tag, (code, system) in fixed.items():
        if find(statement, tag) is None:
            element = add_code(statement, tag, code, system)
            if tag == "value":
                element.set(XSI_TYPE, "CD")
