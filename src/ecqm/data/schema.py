"""What the readers need to know of the FHIR model: the elements of each type, and which types are primitive."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from lxml import etree


@dataclass(frozen=True, slots=True)
class Element:
    """An element of a FHIR type by its base name (`value` for value[x]); `types` are FHIR type names."""

    name: str
    types: tuple[str, ...]
    repeated: bool
    choice: bool

    @property
    def json_names(self) -> tuple[tuple[str, str], ...]:
        """(JSON name, type) for each type: `valueQuantity` for a choice, the name itself otherwise."""
        if not self.choice:
            return ((self.name, self.types[0]),)
        return tuple((self.name + type_[0].upper() + type_[1:], type_) for type_ in self.types)


@dataclass(frozen=True, slots=True)
class TypeDefinition:
    """A FHIR type: its base, its own elements, and for a primitive the System type of its value."""

    name: str
    base: str | None
    elements: tuple[Element, ...]
    primitive: str | None = None


class FhirSchema:
    """The types of FHIR R4 by name."""

    def __init__(self, types: Mapping[str, TypeDefinition]) -> None:
        self.types = types
        self._elements: dict[str, tuple[Element, ...]] = {}

    def elements(self, type_name: str) -> tuple[Element, ...]:
        """All elements of a type, those of its bases first. KeyError if FHIR has no such type."""
        found = self._elements.get(type_name)
        if found is None:
            definition = self.types[type_name]
            base = definition.base
            inherited = self.elements(base) if base is not None and base in self.types else ()
            own = {element.name: element for element in (*inherited, *definition.elements)}
            found = self._elements[type_name] = tuple(own.values())
        return found

    def primitive(self, type_name: str) -> str | None:
        """`String`, `Boolean`, `DateTime`… if values of the type are JSON primitives; None if they are objects."""
        return self.types[type_name].primitive

    @cached_property
    def resource_types(self) -> Mapping[str, TypeDefinition]:
        """All concrete resource types by name."""
        return {
            name: definition
            for name, definition in self.types.items()
            if name not in ("Resource", "DomainResource") and self._descends(name, "Resource")
        }

    def _descends(self, name: str | None, ancestor: str) -> bool:
        while name is not None and name in self.types:
            if name == ancestor:
                return True
            name = self.types[name].base
        return False


@lru_cache(maxsize=1)
def fhir_schema() -> FhirSchema:
    """The schema of FHIR 4.0.1."""
    content = Path(os.environ.get("ECQM_CONTENT", ".content"))
    namespace = "{urn:hl7-org:elm-modelinfo:r1}"
    kind = "{http://www.w3.org/2001/XMLSchema-instance}type"

    def local(name: str | None) -> str:
        return (name or "").rpartition("FHIR.")[2]

    types = {}
    for info in etree.parse(content / "modelinfo" / "fhir-modelinfo-4.0.1.xml").getroot().iter(namespace + "typeInfo"):
        elements = []
        primitive = None
        for element in info.iter(namespace + "element"):
            specifier = element.find(namespace + "elementTypeSpecifier")
            if specifier is None:
                type_ = element.get("elementType", "")
                if type_.startswith("System.") and element.get("name") == "value":
                    primitive = type_.removeprefix("System.")
                elements.append(Element(element.get("name", ""), (local(type_),), False, False))
            elif specifier.get(kind) == "ChoiceTypeSpecifier":
                names = tuple(local(choice.get("name")) for choice in specifier)
                elements.append(Element(element.get("name", ""), names, False, True))
            else:
                inner = specifier.get("elementType") or specifier[0].get("name")
                elements.append(Element(element.get("name", ""), (local(inner),), True, False))
        name = info.get("name", "")
        types[name] = TypeDefinition(name, local(info.get("baseType")) or None, tuple(elements), primitive)
    return FhirSchema(types)
