"""The entries of a QRDA Category I document (STU 5.3) as elements of QDM: every one of them is accounted for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ecqm.data.qdm.cohort import QdmCohortBuilder
from ecqm.data.qdm.qrda.datatypes import IDENTIFIER
from ecqm.data.qdm.qrda.derived import length_of_stay, principal_diagnosis
from ecqm.data.qdm.qrda.entry_template import EntryTemplate
from ecqm.data.qdm.qrda.places import Reading
from ecqm.data.qdm.qrda.templates import FORMER_WRAPPERS, REPORT_ENTRIES, by_oid
from ecqm.data.qdm.qrda.xml import Element, find, line, local, name, steps, template_oids
from ecqm.data.qdm.schema import CODES, NEGATION

# What a statement may hold beside what is understood: nothing of QDM is in these.
_MEANINGFUL = frozenset(("entryRelationship", "participant", "inFulfillmentOf1", "author", "performer"))

# Takes an element, what is wrong there, and the template that it is about.
Report = Callable[[Element, str, str | None], None]


@dataclass(frozen=True)
class Account:
    """What became of an entry: its line, the template that told what it is, and the data type or other thing it is.

    `understood` is False for an entry that gave nothing; the problems of the document say why.
    """

    line: int | None
    template: str | None
    meaning: str
    understood: bool = True


class _Lost(Exception):
    """An entry that gives nothing: `element` is where the reason is."""

    def __init__(self, element: Element, message: str, template: str | None) -> None:
        super().__init__(message)
        self.element = element
        self.template = template


@dataclass(frozen=True)
class _Statement:
    """The outermost statement of an entry, known by the template `oid`, and the data type's own one in it.

    They are one and the same unless the template has a wrapper.
    """

    oid: str
    template: EntryTemplate
    outer: Element
    inner: Element

    @property
    def data_type(self) -> str:
        return self.template.data_types[0]

    @property
    def identifier(self) -> Element | None:
        own = find(self.inner, "id")
        return find(self.outer, "id") if own is None else own

    @property
    def is_negated(self) -> bool:
        return "true" in (self.outer.get("negationInd"), self.inner.get("negationInd"))


class EntryReader:
    """Reads the entries of one document; what cannot be understood is reported."""

    def __init__(self, builder: QdmCohortBuilder, reading: Reading, report: Report) -> None:
        self._builder = builder
        self._reading = reading
        self._report = report
        # What was said so far of each thing, by template and identifier.
        self._told: dict[tuple[str, str | None, str | None], list[dict[str, Any]]] = {}
        # The templates of other versions, each reported where it occurs first.
        self._other_versions: set[tuple[str, str | None]] = set()

    def read(self, entry: Element) -> tuple[Account, list[Any]]:
        """What became of an entry, and its elements."""
        outermost = _outermost(entry)
        if outermost is None:
            self._report(entry, "an empty entry", None)
            return Account(line(entry), None, "empty", False), []
        oids = template_oids(outermost)
        known = next(((oid, found) for oid in reversed(oids) if (found := by_oid(oid)) is not None), None)
        if known is None:
            return self._of_no_data_type(outermost, oids), []
        oid, template = known
        try:
            elements = self._elements(self._statement(outermost, oid, template))
        except _Lost as lost:
            self._report(lost.element, str(lost), lost.template)
            return Account(line(outermost), oid, template.data_types[0], False), []
        return Account(line(outermost), oid, template.data_types[0]), elements

    def _of_no_data_type(self, statement: Element, oids: list[str]) -> Account:
        about = next((oid for oid in oids if oid in REPORT_ENTRIES), None)
        if about is not None:
            return Account(line(statement), about, REPORT_ENTRIES[about])
        told = ", ".join(oids) or "no template"
        self._report(statement, f"an entry that is not understood ({local(statement)}; {told})", told)
        return Account(line(statement), oids[-1] if oids else None, "not understood", False)

    def _statement(self, outer: Element, oid: str, template: EntryTemplate) -> _Statement:
        """The statement of a known template. Raises _Lost if its wrapper does not hold it."""
        self._check_extension(outer, oid, template)
        if template.wrapper is None or template.template.oid in template_oids(outer):
            return _Statement(oid, template, outer, outer)
        inner = find(outer, f"{template.wrapper.relation}/{template.step}")
        if inner is None:
            raise _Lost(outer, f"holds no statement of template {template.template.oid}", oid)
        return _Statement(oid, template, outer, inner)

    def _elements(self, statement: _Statement) -> list[Any]:
        """The elements of a statement; none if an earlier one said the same. Raises _Lost."""
        values = self._values(statement)
        self._check_understood(statement)
        if self._is_repeated(statement, values):
            return []
        schema = self._builder.structs.schema
        if statement.data_type not in schema.data_types:
            message = f"{statement.data_type} is not a data type of QDM {schema.version}: left out"
            raise _Lost(statement.outer, message, statement.oid)
        return list(self._structs(statement.template, values))

    def _values(self, statement: _Statement) -> dict[str, Any]:
        """The attributes of a statement, by name. Raises _Lost for one that was not done without saying why: it is
        neither done nor not done."""
        template = statement.template
        values = self._at_places(statement)
        reason = template.negation.read(statement.outer, self._reading)
        if statement.is_negated:
            rationale = reason if reason is not None else values.get("reason")
            if rationale is None:
                message = f"{statement.data_type} was not done, without a reason: left out"
                raise _Lost(statement.outer, message, template.template.oid)
            values["reason"] = None
            values[NEGATION] = rationale
        elif statement.outer is not statement.inner and values.get("reason") is None:
            values["reason"] = reason
        if values.get(CODES) is None:
            self._report(statement.outer, f"{statement.data_type} without a code", template.template.oid)
        return values

    def _at_places(self, statement: _Statement) -> dict[str, Any]:
        """What the places of the template hold; the wrapper's count where the statement has none."""
        template, identifier = statement.template, statement.identifier
        values: dict[str, Any] = {"id": None if identifier is None else self._reading.take(identifier, IDENTIFIER)}
        for place in template.places:
            value = place.read(statement.inner, self._reading)
            if value is not None or place.attribute not in values:
                values[place.attribute] = value
        for place in (*template.outer, *template.also):
            value = place.read(statement.outer, self._reading)
            if values.get(place.attribute) is None:
                values[place.attribute] = value
        return values

    def _structs(self, template: EntryTemplate, values: dict[str, Any]) -> Iterator[Any]:
        """The structs of a template's data type, and of others that share the template where those are asked for."""
        types = template.data_types[:1] if self._builder.demand.types is None else template.data_types
        for data_type in types:
            struct = self._builder.structs.data_types.get(data_type)
            if struct is not None:
                yield struct(**demanded(self._builder, data_type, values))

    # -- checks -------------------------------------------------------------------------------------------------------

    def _check_extension(self, statement: Element, oid: str, found: EntryTemplate) -> None:
        expected = found.template
        if oid != expected.oid and found.wrapper is not None:
            expected = steps(found.wrapper.step)[0].templates[-1]
        own = (each for each in statement.iterchildren(name("templateId")) if each.get("root") == oid)
        extension = next((each.get("extension") for each in own), None)
        if extension != expected.extension and (oid, extension) not in self._other_versions:
            self._other_versions.add((oid, extension))
            told = f"has the extension {extension}" if extension else "has no extension"
            message = f"template {oid} {told}; it is read as that of {expected.extension or 'none'}"
            self._report(statement, message, oid)

    def _check_understood(self, statement: _Statement) -> None:
        """What statements hold that has no place in QDM is told, never passed over in silence."""
        inner, understood = statement.inner, self._reading.understood
        for each in {statement.outer, inner}:
            for child in each.iterchildren():
                if local(child) in _MEANINGFUL and child not in understood and child is not inner.getparent():
                    told = ", ".join(oid for held in (child, *child.iterchildren()) for oid in template_oids(held))
                    message = f"{local(child)} ({told or 'no template'}) is not understood"
                    self._report(child, message, statement.oid)

    def _is_repeated(self, statement: _Statement, values: dict[str, Any]) -> bool:
        """Whether an earlier entry said the same of the same thing. Documents repeat a thing for every measure."""
        identifier = statement.identifier
        if identifier is None or identifier.get("root") is None:
            return False
        thing = (statement.template.template.oid, identifier.get("root"), identifier.get("extension"))
        known = self._told.setdefault(thing, [])
        if values in known:
            return True
        known.append(values)
        return False


def demanded(builder: QdmCohortBuilder, data_type: str, values: dict[str, Any]) -> dict[str, Any]:
    """The attributes of a data type that a builder demands, with those that follow from others."""
    attributes = builder.structs.attributes(data_type)
    found = {key: value for key, value in values.items() if key in attributes and key != "code"}
    if "lengthOfStay" in attributes:
        found["lengthOfStay"] = length_of_stay(values.get("relevantPeriod"))
    if "principalDiagnosis" in attributes:
        found["principalDiagnosis"] = principal_diagnosis(values.get("diagnoses"))
    return found


def _outermost(entry: Element) -> Element | None:
    """The statement of an entry, out of a wrapper that only earlier releases had."""
    statement = next(entry.iterchildren(), None)
    if statement is None:
        return None
    former = next((path for oid in template_oids(statement) if (path := FORMER_WRAPPERS.get(oid))), None)
    held = None if former is None else find(statement, former)
    return statement if held is None else held
