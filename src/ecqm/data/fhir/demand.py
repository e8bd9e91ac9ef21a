"""What a run needs of the data: resource types, and the names of the elements that its measures mention."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

from ecqm.data.fhir.compartment import PATIENT_LINKS
from ecqm.data.fhir.schema import Element, FhirSchema

# Structured datatypes (and kinds of Quantity) are read whole: conversions (FHIRHelpers) look at parts that no measure
# names.
WHOLE_TYPES = frozenset(("Coding", "CodeableConcept", "Quantity", "Money", "Period", "Range", "Ratio", "Reference"))
# … except for these elements, which no conversion looks at.
_BESIDE_THE_VALUE = frozenset(("id", "extension", "identifier", "userSelected"))

_OF_EVERY_RESOURCE = frozenset(("id", "meta", "contained", *PATIENT_LINKS))


@dataclass(frozen=True)
class Demand:
    """The resource types to read, and the names of the elements to read; None means all. Values of the types `whole`
    are read with all their elements.

    Names are base names (`value`, `effective`) from anywhere in a measure. An element is read if its name is among
    them, whatever type it is in: this may be more than is needed, but never less. The id and meta.profile of a
    resource, the url of an extension and all of a coding, concept, quantity, period, range, ratio or reference are
    always read.
    """

    types: frozenset[str] | None = None
    names: frozenset[str] | None = None
    whole: frozenset[str] = frozenset()

    @classmethod
    def of(cls, types: Iterable[str] | None, names: Iterable[str] | None, whole: Iterable[str] = ()) -> Self:
        """A demand for these resource types and element names, and for all elements of the types `whole`."""
        return cls(
            None if types is None else frozenset(types),
            None if names is None else frozenset(names),
            frozenset(whole) if names is not None else frozenset(),
        )

    def __or__(self, other: Demand) -> Demand:
        """The demand for everything that either of them names."""
        return Demand.of(
            None if self.types is None or other.types is None else self.types | other.types,
            None if self.names is None or other.names is None else self.names | other.names,
            self.whole | other.whole,
        )

    def covers(self, other: Demand) -> bool:
        """Whether this reads everything that `other` demands."""
        return self | other == self

    def reads(self, resource_type: str) -> bool:
        """Whether resources of this type are wanted."""
        return self.types is None or resource_type in self.types

    def reads_extensions(self, type_name: str) -> bool:
        """Whether extensions of the primitives in values of this type are wanted."""
        return self.names is None or "extension" in self.names or type_name in self.whole

    def elements(self, schema: FhirSchema, type_name: str) -> tuple[Element, ...]:
        """The elements of a FHIR type that are read."""
        return _elements(self, schema, type_name)

    def wants(self, schema: FhirSchema, type_name: str, name: str) -> bool:
        """Whether this element of a FHIR type is read."""
        if self.names is None or name in self.names or type_name in self.whole:
            return True
        if type_name in WHOLE_TYPES or schema.is_quantity(type_name):
            return name not in _BESIDE_THE_VALUE
        if type_name == "Meta":
            return name == "profile"
        if type_name == "Extension":
            return name == "url"
        return name in _OF_EVERY_RESOURCE and type_name in schema.resource_types


@lru_cache(maxsize=4096)
def _elements(demand: Demand, schema: FhirSchema, type_name: str) -> tuple[Element, ...]:
    return tuple(element for element in schema.elements(type_name) if demand.wants(schema, type_name, element.name))


EVERYTHING = Demand()
