"""Typed decoding of QDM patients in JSON: msgspec structs made from the model and a demand.

The JSON is that of the certification community's tools: a data element has a `_type` (`QDM::EncounterPerformed`), its
codes in `dataElementCodes`, and attributes named as in the model. The same structs are what the QRDA reader makes, and
what the writers write: they are the neutral form of a patient.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import lru_cache
from types import ModuleType
from typing import Any

import msgspec

from ecqm.data.fhir.demand import Demand
from ecqm.data.qdm.schema import ALWAYS, CODES, Attribute, QdmSchema, qdm_schema
from ecqm.json_decoding import json_decoder
from ecqm.models import model_versions
from ecqm.types import CODE, QUANTITY, CqlType, IntervalType, ListType, NamedType

TAG = "QDM::"
STORE_ID = "_id"
_MODULE_NUMBER = iter(range(1 << 62))


class Code(msgspec.Struct, gc=False, omit_defaults=True):
    """A code of a system (an OID in the community's files)."""

    code: str | None = None
    system: str | None = None
    version: str | None = None
    display: str | None = None


class Quantity(msgspec.Struct, gc=False):
    """A number with its unit."""

    value: Decimal | None = None
    unit: str | None = None


class Ratio(msgspec.Struct, gc=False):
    """A ratio of two quantities."""

    numerator: Quantity | None = None
    denominator: Quantity | None = None


class Period(msgspec.Struct, gc=False):
    """An interval of points in time; a boundary that is absent is closed: it is not bounded there."""

    low: str | None = None
    high: str | None = None
    lowClosed: bool | None = True
    highClosed: bool | None = True


class Range(msgspec.Struct, gc=False):
    """An interval of quantities."""

    low: Quantity | None = None
    high: Quantity | None = None
    lowClosed: bool | None = True
    highClosed: bool | None = True


# The struct of a System type; what has none here may be of several types, and is decoded as it comes.
SYSTEM_STRUCTS: dict[CqlType, Any] = {
    CODE: Code,
    QUANTITY: Quantity,
    NamedType("System", "Ratio"): Ratio,
    IntervalType(NamedType("System", "DateTime")): Period,
    IntervalType(QUANTITY): Range,
    **{NamedType("System", name): str for name in ("String", "DateTime", "Date", "Time")},
    NamedType("System", "Integer"): int,
    NamedType("System", "Decimal"): Decimal,
    NamedType("System", "Boolean"): bool,
}


# Structs of System types: in JSON their members tell what they are.
PLAIN_STRUCTS = frozenset((Code, Quantity, Ratio, Period, Range))


class QdmStructs:
    """The structs of one version of QDM and one demand, and the decoder of patients made of them.

    `decode(bytes)` gives a `Patient`, bare or in the envelope that the tools' test patients come in (`qdmPatient`).
    Elements of types that are not wanted are empty structs. It raises `msgspec.DecodeError` for what is no JSON and
    `msgspec.ValidationError` for what does not fit the model.
    """

    def __init__(self, schema: QdmSchema, demand: Demand) -> None:
        self.schema = schema
        self.demand = demand
        self._module = ModuleType(f"{__name__}.demand{next(_MODULE_NUMBER)}")
        sys.modules[self._module.__name__] = self._module
        self._parts: dict[str, type[msgspec.Struct]] = {}
        wanted = schema.data_types if demand.types is None else demand.types & schema.data_types
        self.data_types = {name: self._define(name, data_type=True) for name in sorted(wanted)}
        self.type_of: dict[type, str] = {struct: name for name, struct in self.data_types.items()}
        elements = [*self.data_types.values(), *(_header(name) for name in sorted(all_data_types() - wanted))]
        self.patient = self._patient(list[_union(elements)])  # type: ignore[misc]
        self.raw_patient = self._patient(list[msgspec.Raw])
        self.decode: Callable[[Any], Any] = json_decoder(self.patient)
        self.decode_raw: Callable[[Any], Any] = json_decoder(self.raw_patient)

    def _patient(self, elements: Any) -> type[msgspec.Struct]:
        """A patient whose data elements are decoded as `elements`."""
        fields: list[tuple[str, Any, Any]] = [
            ("id", Any, None),
            ("birthDatetime", str | None, None),
            ("dataElements", elements | None, None),
            ("qdmVersion", str | None, None),
            ("familyName", str | None, None),
            ("givenNames", list[str] | None, None),
        ]
        names = {"id": "_id"}
        inner = msgspec.defstruct("QdmPatient", fields, module=self._module.__name__, rename=names)
        outer = [*fields, ("qdmPatient", inner | None, None)]
        return msgspec.defstruct("QdmPatient", outer, module=self._module.__name__, rename=names, omit_defaults=True)

    def attributes(self, type_name: str) -> dict[str, Attribute]:
        """The attributes that structs of a data type or part hold, by name."""
        names = self.demand.names
        return {
            name: attribute
            for name, attribute in self.schema.attributes(type_name).items()
            if names is None or name in names or (name in ALWAYS if type_name in self.schema.data_types else True)
        }

    def part(self, type_name: str) -> type[msgspec.Struct]:
        """The struct of a part: Component, FacilityLocation, Practitioner…"""
        if type_name not in self._parts:
            self._parts[type_name] = self._define(type_name)
        return self._parts[type_name]

    def annotation(self, attribute: Attribute) -> Any:
        """What the values of an attribute are decoded to; Any where the data have them in more than one form."""
        single = attribute.single_type
        if attribute.name == "id":
            return Any
        if isinstance(attribute.type, ListType) and single == CODE and attribute.name != CODES:
            return Any
        annotation: Any = SYSTEM_STRUCTS.get(single)
        if annotation is None and isinstance(single, NamedType) and single.model == "QDM":
            annotation = self.part(single.name)
        if annotation is None:
            return Any
        nullable = annotation | None
        return list[nullable] | None if isinstance(attribute.type, ListType) else nullable  # type: ignore[valid-type]

    def _define(self, name: str, data_type: bool = False) -> type[msgspec.Struct]:
        """The struct of a data type, or of a part; a data type has its codes in place of the one code that logic sees,
        and the name that its store gave it beside its own."""
        fields: list[tuple[str, Any, Any]] = [
            (attribute.name, self.annotation(attribute), None)
            for attribute in self.attributes(name).values()
            if attribute.name != "code" or not data_type
        ]
        if data_type:
            fields.append((STORE_ID, Any, None))
        return msgspec.defstruct(
            name,
            fields,
            module=self._module.__name__,
            tag_field="_type" if data_type else None,
            tag=TAG + name if data_type else None,
            gc=False,
            omit_defaults=True,
        )


@lru_cache(maxsize=1)
def all_data_types() -> frozenset[str]:
    """The data types of any version of QDM."""
    return frozenset().union(*(qdm_schema(version).data_types for version in model_versions("QDM")))


@lru_cache(maxsize=256)
def _header(name: str) -> type[msgspec.Struct]:
    """The struct of a data type that is not wanted."""
    return msgspec.defstruct(name, [], tag_field="_type", tag=TAG + name, gc=False)


def _union(structs: Iterable[type[msgspec.Struct]]) -> Any:
    union: Any = None
    for struct in structs:
        union = struct if union is None else union | struct
    return union


@lru_cache(maxsize=32)
def qdm_structs(version: str, demand: Demand) -> QdmStructs:
    """The structs of a version and a demand, made once."""
    return QdmStructs(qdm_schema(version), demand)
