"""Where QDM's attributes are in a QRDA statement, to be read from there and written there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from lxml import etree

from ecqm.data.qdm.qrda.codes import ROOT_OF_IDS
from ecqm.data.qdm.qrda.datatypes import ANY, CODE, IDENTIFIER, INTEGER, PERIOD, RANGE, SPAN, Codec
from ecqm.data.qdm.qrda.problems import Unreadable, Unwritable
from ecqm.data.qdm.qrda.xml import XSI_TYPE, Element, add, ensure, find, find_all, local, name, template
from ecqm.data.qdm.structs import QdmStructs


@dataclass
class Reading:
    """What a reader has with it: the structs to make parts of, the elements already understood, and its findings."""

    structs: QdmStructs
    report: Callable[[Element, str], None]
    understood: set[Element] = field(default_factory=set)

    def take(self, element: Element, codec: Codec) -> Any:
        """The value of an element, which is then understood; None, and a finding, if it is not of its type."""
        self.understand(element)
        try:
            return codec.read(element)
        except Unreadable as error:
            self.report(element, str(error))
            return None

    def understand(self, element: Element) -> None:
        """Note that an element, and so what holds it, has its place in QDM."""
        current: Element | None = element
        while current is not None and current not in self.understood:
            self.understood.add(current)
            current = current.getparent()


class Place(Protocol):
    """One attribute's place: `read` gives its value or None, `write` puts a value there."""

    @property
    def attribute(self) -> str: ...

    def read(self, statement: Element, reading: Reading) -> Any: ...

    def write(self, statement: Element, value: Any) -> None: ...


@dataclass(frozen=True)
class At:
    """A value at a path, or at one of `others` where documents have it elsewhere; a list of them if `several`."""

    attribute: str
    path: str
    codec: Codec
    others: tuple[str, ...] = ()
    several: bool = False

    def read(self, statement: Element, reading: Reading) -> Any:
        found = []
        # An element may be at several of the paths; it is taken, and reported, once.
        at = (element for path in (self.path, *self.others) for element in find_all(statement, path))
        for element in dict.fromkeys(at):
            value = reading.take(element, self.codec)
            if value is not None:
                if not self.several:
                    return value
                found.append(value)
        return found or None

    def write(self, statement: Element, value: Any) -> None:
        for each in value if self.several else [value]:
            element = add(statement, self.path) if self.several else ensure(statement, self.path)
            made = len(element), len(element.attrib)
            try:
                write_typed(element, each, self.codec)
            except Unwritable:
                # An element in which nothing was written would be one without a value and without a null flavor.
                parent = element.getparent()
                if parent is not None and (len(element), len(element.attrib)) == made:
                    parent.remove(element)
                raise


def write_typed(element: Element, value: Any, codec: Codec) -> None:
    """A value into an element, with its type where CDA lets an element have several."""
    parent = element.getparent()
    of_medication = parent is not None and local(parent) in ("substanceAdministration", "supply")
    if codec.xsi and (local(element) == "value" or (codec.xsi == PERIOD.xsi and of_medication)):
        element.set(XSI_TYPE, codec.xsi)
    codec.write(element, value)


@dataclass(frozen=True)
class Parts:
    """Structured values, one for each element at a path: their own attributes are at paths below it."""

    attribute: str
    paths: tuple[str, ...]
    struct: str
    places: tuple[At, ...]

    def read(self, statement: Element, reading: Reading) -> Any:
        make = reading.structs.part(self.struct)
        found = []
        for path in self.paths:
            for element in find_all(statement, path):
                reading.understand(element)
                values = {place.attribute: place.read(element, reading) for place in self.places}
                found.append(make(**values))
        return found or None

    def write(self, statement: Element, value: Any) -> None:
        for part in value:
            element = add(statement, self.paths[0])
            for place in self.places:
                own = getattr(part, place.attribute)
                if own is not None:
                    place.write(element, own)


@dataclass(frozen=True)
class Kind:
    """A kind of actor: its template, the class of its role, and the paths of its codes."""

    template: str
    role: str
    codes: Mapping[str, str] = field(default_factory=dict)


KINDS: Mapping[str, Kind] = {
    "CarePartner": Kind("24.3.160:2019-12-01", "IND", {"relationship": "playingEntity/code"}),
    "PatientEntity": Kind("24.3.161:2019-12-01", "PAT"),
    "Practitioner": Kind(
        "24.3.162:2019-12-01",
        "ASSIGNED",
        {"role": "code", "specialty": "playingEntity/code", "qualification": "scopingEntity/code"},
    ),
    "Organization": Kind("24.3.163:2019-12-01", "ROL", {"organizationType": "playingEntity/code"}),
    "Location": Kind("24.3.142:2021-08-01", "LOCE", {"locationType": "playingEntity/code"}),
}


@dataclass(frozen=True)
class Entities:
    """Actors: participants of one kind, whose role tells by its template what they are."""

    attribute: str
    type_code: str

    def read(self, statement: Element, reading: Reading) -> Any:
        found = []
        for role in find_all(statement, f"participant[typeCode={self.type_code}]/participantRole"):
            oids = {each.get("root") for each in role.iterchildren(name("templateId"))}
            for name_of_kind, kind in KINDS.items():
                if template(kind.template).oid in oids:
                    reading.understand(role)
                    found.append(self._entity(name_of_kind, kind, role, reading))
        return found or None

    def _entity(self, name_of_kind: str, kind: Kind, role: Element, reading: Reading) -> Any:
        identifier = own = None
        for element in role.iterchildren(name("id")):
            if element.get("root") == ROOT_OF_IDS:
                own = element.get("extension")
            elif any(element.get(key) for key in ("extension", "root", "assigningAuthorityName")):
                identifier = _named(reading.structs, element)
        values = {}
        for attribute, path in kind.codes.items():
            at = find(role, path)
            values[attribute] = None if at is None else reading.take(at, CODE)
        return reading.structs.part(name_of_kind)(id=own, identifier=identifier, **values)

    def write(self, statement: Element, value: Any) -> None:
        for entity in value if isinstance(value, list) else [value]:
            kind = KINDS.get(type(entity).__name__)
            if kind is None:
                raise Unwritable(f"{type(entity).__name__} values: CDA has actors here")
            step = f"participantRole[classCode={kind.role}]{{{kind.template}}}"
            role = add(statement, f"participant[typeCode={self.type_code}]/{step}")
            if entity.identifier is not None:
                _write_named(etree.SubElement(role, name("id")), entity.identifier)
            if entity.id is not None:
                etree.SubElement(role, name("id"), root=ROOT_OF_IDS, extension=str(entity.id))
            for attribute, at in kind.codes.items():
                code = getattr(entity, attribute)
                if code is not None:
                    write_typed(ensure(role, at), code, CODE)


def _named(structs: QdmStructs, element: Element) -> Any:
    """The identifier that an `id` tells, with its naming system: an OID, or the name of an authority."""
    system = element.get("assigningAuthorityName") or element.get("root")
    return structs.part("Identifier")(namingSystem=system, value=element.get("extension"))


def _write_named(element: Element, identifier: Any) -> None:
    """An identifier of a naming system: its OID as the root, any other name as that of the authority."""
    system = identifier.namingSystem or ""
    if system and all(part.isdigit() for part in system.split(".")):
        element.set("root", system)
    else:
        element.set("nullFlavor", "UNK")
        if system:
            element.set("assigningAuthorityName", system)
    if identifier.value is not None:
        element.set("extension", identifier.value)


@dataclass(frozen=True)
class Identity:
    """An identifier with its naming system."""

    attribute: str
    path: str

    def read(self, statement: Element, reading: Reading) -> Any:
        element = find(statement, self.path)
        if element is None:
            return None
        reading.understand(element)
        return _named(reading.structs, element)

    def write(self, statement: Element, value: Any) -> None:
        _write_named(ensure(statement, self.path), value)


COMPONENTS = Parts(
    "components",
    (
        "entryRelationship[typeCode=REFR]/observation[classCode=OBS][moodCode=EVN]{24.3.149:2017-08-01}",
        "entryRelationship[typeCode=REFR]/observation[classCode=OBS][moodCode=EVN]{22.4.149:2017-08-01}",
    ),
    "Component",
    (At("code", "code", CODE), At("result", "value", ANY)),
)
RESULT_COMPONENTS = Parts(
    "components",
    COMPONENTS.paths,
    "ResultComponent",
    (*COMPONENTS.places, At("referenceRange", "referenceRange/observationRange/value", RANGE)),
)
_PRINCIPAL = At("code", "entryRelationship/observation{24.3.152}/value", CODE)


@dataclass(frozen=True)
class Diagnoses(Parts):
    """The diagnoses of an encounter. Up to R5.1 the principal one is stated by itself: QDM 5.5 has a rank of 1 for it
    ("rank")."""

    def read(self, statement: Element, reading: Reading) -> Any:
        found = super().read(statement, reading) or []
        principal = _PRINCIPAL.read(statement, reading)
        if principal is not None:
            stated = next((each for each in found if _same(each.code, principal) and each.rank is None), None)
            if stated is None:
                found.append(reading.structs.part(self.struct)(code=principal, rank=1))
            else:
                stated.rank = 1
        return found or None


def _same(code: Any, other: Any) -> bool:
    return code is not None and (code.code, code.system) == (other.code, other.system)


DIAGNOSES = Diagnoses(
    "diagnoses",
    (
        "entryRelationship[typeCode=REFR]/observation[classCode=OBS][moodCode=EVN]{24.3.168:2021-08-01}",
        # Up to R5.1.
        "entryRelationship/act{22.4.80:2015-08-01}/entryRelationship/observation{22.4.4:2015-08-01}",
    ),
    "DiagnosisComponent",
    (
        At("code", "value", CODE),
        At(
            "rank",
            "entryRelationship[typeCode=REFR]/observation[classCode=OBS][moodCode=EVN]{24.3.166:2019-12-01}/value",
            INTEGER,
        ),
        At(
            "presentOnAdmissionIndicator",
            "entryRelationship[typeCode=REFR]/observation[classCode=OBS][moodCode=EVN]{24.3.169:2021-08-01}/value",
            CODE,
        ),
    ),
)
FACILITY_LOCATIONS = Parts(
    "facilityLocations",
    ("participant[typeCode=LOC]{24.3.100:2017-08-01}",),
    "FacilityLocation",
    (At("code", "participantRole[classCode=SDLOC]/code", CODE), At("locationPeriod", "time", SPAN)),
)
RELATED = At(
    "relatedTo",
    "sdtc:inFulfillmentOf1[typeCode=FLFS]{24.3.150:2017-08-01}/sdtc:actReference[classCode=ACT][moodCode=EVN]/sdtc:id",
    IDENTIFIER,
    several=True,
)
