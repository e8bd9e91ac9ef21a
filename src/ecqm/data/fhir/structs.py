"""Typed decoding: msgspec structs made from the FHIR model and a demand, so that only demanded elements are built."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from types import ModuleType
from typing import Any

import msgspec

from ecqm.data.fhir.bundles import Bundle
from ecqm.data.fhir.demand import Demand
from ecqm.data.fhir.schema import Element, FhirSchema, fhir_schema

_PYTHON_TYPES = {"String": "str", "Boolean": "bool", "Integer": "int", "Decimal": "Decimal"}
# Types whose columns are codes, and the elements that such a column has room for.
CODED_TYPES = {
    "Coding": frozenset(("system", "version", "code", "display")),
    "CodeableConcept": frozenset(("coding", "text")),
}
# What decoding raises.
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
# How deep objects and lists may be nested: Arrow's files allow 64 levels, and real resources use less than half.
DEEPEST = 50
_MODULE_NUMBER = iter(range(1 << 62))


class Unreadable(Exception):
    """A resource cannot be read; `resource` is its name ("Encounter/1") if that much can be read."""

    def __init__(self, message: str, resource: str | None = None) -> None:
        super().__init__(message)
        self.resource = resource


class ResourceStructs:
    """The struct types of one demand, and the decoder of any resource.

    `decode(bytes)` gives a struct of the resource's type; for types outside the demand it has only the id. Contained
    resources and those of a `Bundle` stay bytes. It raises `msgspec.DecodeError` for invalid JSON and for JSON that is
    no FHIR resource, `msgspec.ValidationError` for elements of the wrong type, RecursionError for a thousand levels of
    nesting. Absent elements are left out when a struct is encoded.
    """

    def __init__(self, demand: Demand, schema: FhirSchema) -> None:
        self.demand = demand
        self.schema = schema
        self._module = ModuleType(f"{__name__}.demand{next(_MODULE_NUMBER)}")
        # msgspec resolves the names in annotations in the module that a struct is defined in.
        sys.modules[self._module.__name__] = self._module
        self._module.__dict__.update(Decimal=Decimal, Raw=msgspec.Raw)
        self.type_of: dict[type, str] = {}
        self.wanted: dict[type, str] = {}
        resources = []
        for name in sorted(schema.resource_types):
            if name == "Bundle":
                struct: type[msgspec.Struct] = Bundle
            elif demand.reads(name):
                struct = self._define(name, resource=True)
                self.wanted[struct] = name
            else:
                struct = _headers(schema)[name]
            self.type_of[struct] = name
            resources.append(struct)
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(_union(resources))
        self.decode = self._decoder.decode

    def read(self, raw: bytes | msgspec.Raw) -> Any:
        """Decode a resource. Raises Unreadable, with a message for users, instead of the errors of `decode`; also for
        a resource that `is_deep`."""
        try:
            resource = self.decode(raw)
        except msgspec.ValidationError as error:
            raise Unreadable(f"not a FHIR resource that can be read: {error}", _named(raw)) from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            size = memoryview(raw).nbytes
            raise Unreadable("empty" if size == 0 else f"not valid JSON ({size} bytes): {error}") from error
        except RecursionError as error:
            raise Unreadable("nested too deeply") from error
        if is_deep(bytes(raw)):
            raise Unreadable("nested too deeply", _named(raw))
        return resource

    def elements(self, type_name: str) -> dict[str, Element]:
        """The elements that structs of a FHIR type hold, by base name."""
        return {element.name: element for element in self.demand.elements(self.schema, type_name)}

    def beside(self, type_name: str) -> dict[str, Element]:
        """Of those elements of a coded type the ones that a column of codes has no room for."""
        held = CODED_TYPES[type_name]
        return {name: element for name, element in self.elements(type_name).items() if name not in held}

    def _define(self, type_name: str, resource: bool = False) -> type[msgspec.Struct]:
        """The struct of a FHIR type and of all types that its elements have."""
        identifier = struct_name(type_name)
        known = self._module.__dict__.get(identifier)
        if known is not None:
            return known  # type: ignore[no-any-return]
        self._module.__dict__[identifier] = object
        fields: list[tuple[str, Any, Any]] = []
        needed: dict[str, None] = {}
        # The columns of codes have no room for extensions of their parts.
        has_sibling = self.demand.reads_extensions(type_name) and type_name not in ("Element", *CODED_TYPES)
        for element in self.demand.elements(self.schema, type_name):
            for json_name, element_type in element.json_names:
                annotation = self._annotation(element_type, needed)
                if element.repeated:
                    annotation = f"list[{annotation}]" if annotation[0].isupper() else f"list[{annotation} | None]"
                fields.append((json_name, f"{annotation} | None", None))
                if has_sibling and self.schema.primitive(element_type):
                    needed["Element"] = None
                    sibling = "list[Element | None]" if element.repeated else "Element"
                    fields.append(("_" + json_name, f"{sibling} | None", None))
        struct = msgspec.defstruct(
            identifier,
            fields,
            module=self._module.__name__,
            tag_field="resourceType" if resource else None,
            tag=type_name if resource else None,
            omit_defaults=True,
            gc=False,
        )
        self._module.__dict__[identifier] = struct
        for name in needed:
            self._define(name)
        return struct

    def _annotation(self, type_name: str, needed: dict[str, None]) -> str:
        if type_name == "Resource":
            return "Raw"
        primitive = self.schema.primitive(type_name)
        if primitive is not None:
            return _PYTHON_TYPES.get(primitive, "str")
        needed[type_name] = None
        return struct_name(type_name)


def is_deep(raw: bytes) -> bool:
    """Whether valid JSON has objects and lists nested deeper than DEEPEST."""
    # Few brackets in all cannot be nested deeply; strings need not be told apart then.
    if raw.count(b"{") + raw.count(b"[") <= DEEPEST:
        return False
    # Without escaped quotes, every second part between quotes is a string.
    between = raw.replace(rb"\\", b"").replace(rb"\"", b"").split(b'"')[::2]
    brackets = b"".join(between).translate(_AS_BRACES, _NOT_BRACKETS)
    for _ in range(DEEPEST):
        brackets = brackets.replace(b"{}", b"")
        if not brackets:
            return False
    return True


_AS_BRACES = bytes.maketrans(b"[]", b"{}")
_NOT_BRACKETS = bytes(set(range(256)) - set(b"{}[]"))


def struct_name(type_name: str) -> str:
    """A Python name for a FHIR type: `Encounter.Diagnosis` is `Encounter_Diagnosis`."""
    return type_name.replace(".", "_")


def _named(raw: bytes | msgspec.Raw) -> str | None:
    """`Type/id` of a resource whose elements cannot be read; None if not even that can be."""
    try:
        header = _HEADER.decode(raw)
    except UNREADABLE:
        return None
    return f"{header.resourceType}/{header.id}" if header.resourceType else None


class _Header(msgspec.Struct):
    resourceType: str | None = None
    id: str | None = None


_HEADER = msgspec.json.Decoder(_Header)


@lru_cache(maxsize=1)
def _headers(schema: FhirSchema) -> dict[str, type[msgspec.Struct]]:
    """Structs of every resource type that hold nothing but the id."""
    return {
        name: msgspec.defstruct(name, [("id", str | None, None)], tag_field="resourceType", tag=name, gc=False)
        for name in schema.resource_types
    }


def _union(structs: Sequence[type[msgspec.Struct]]) -> Any:
    union: Any = structs[0]
    for struct in structs[1:]:
        union = union | struct
    return union


@lru_cache(maxsize=32)
def resource_structs(demand: Demand) -> ResourceStructs:
    """The struct types of a demand on FHIR 4.0.1, made once."""
    return ResourceStructs(demand, fhir_schema())
