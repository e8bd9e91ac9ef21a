"""What the readers need to know of the FHIR model: the elements of each type, and which types are primitive."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache

from ecqm.models import Model, ModelElement, load_model
from ecqm.types import CqlType, NamedType

_ABSTRACT = ("Resource", "DomainResource")
# A profile that FHIR uses as a type: JSON uses the name of its base type.
_JSON_TYPE = {"SimpleQuantity": "Quantity"}


@dataclass(frozen=True, slots=True)
class Element:
    """An element of a FHIR type by its base name (`value` for value[x]); `types` are FHIR type names.

    The only type outside FHIR is written with its model: `System.String`, the type of ids.
    """

    name: str
    types: tuple[str, ...]
    repeated: bool
    choice: bool

    @property
    def json_names(self) -> tuple[tuple[str, str], ...]:
        """(JSON name, type) for each type: `valueQuantity` for a choice, the name itself otherwise."""
        if not self.choice:
            return ((self.name, self.types[0]),)
        return tuple((self.name + _JSON_TYPE.get(type_, type_[0].upper() + type_[1:]), type_) for type_ in self.types)


class FhirSchema:
    """The types of one version of FHIR, by name."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._elements: dict[str, tuple[Element, ...]] = {}
        self._primitives: dict[str, str | None] = {}

    def elements(self, type_name: str) -> tuple[Element, ...]:
        """All elements of a type, inherited ones first; none for a type that FHIR does not have."""
        found = self._elements.get(type_name)
        if found is None:
            elements = self._model.elements(type_name).values()
            found = self._elements[type_name] = tuple(map(_element, elements))
        return found

    def primitive(self, type_name: str) -> str | None:
        """`String`, `Boolean`, `DateTime`… if values of the type are JSON primitives; None if they are objects."""
        if type_name not in self._primitives:
            self._primitives[type_name] = self._primitive(type_name)
        return self._primitives[type_name]

    def _primitive(self, type_name: str) -> str | None:
        if type_name.startswith("System."):
            return type_name.removeprefix("System.")
        value = self._model.element(type_name, "value")
        if value is None or not isinstance(value.type, NamedType) or value.type.model != "System":
            return None
        return value.type.name

    def is_quantity(self, type_name: str) -> bool:
        """Whether this is Quantity or one of its specializations (Age, Duration…)."""
        return any(step.name == "Quantity" for step in self._model.lineage(type_name))

    def is_resource(self, type_name: str) -> bool:
        """Whether this is a concrete resource type."""
        return type_name not in _ABSTRACT and any(step.name == "Resource" for step in self._model.lineage(type_name))

    def structured(self, type_names: Iterable[str]) -> frozenset[str]:
        """Those of some types that have elements, and all such types inside of them, with Element, the type of what is
        beside a primitive; no resource types."""
        found: set[str] = set()
        waiting = [*type_names]
        while waiting:
            name = waiting.pop()
            if name not in found and self.elements(name) and not self.primitive(name) and not self._is_any(name):
                found.add(name)
                waiting += ("Element", *(type_ for element in self.elements(name) for type_ in element.types))
        return frozenset(found)

    def _is_any(self, type_name: str) -> bool:
        return type_name in _ABSTRACT or type_name in self.resource_types

    @cached_property
    def resource_types(self) -> frozenset[str]:
        """The names of all concrete resource types."""
        return frozenset(type_.name for type_ in self._model.types() if self.is_resource(type_.name))


def _element(element: ModelElement) -> Element:
    types = element.choices or (element.single_type,)
    return Element(element.name, tuple(map(_type_name, types)), element.is_list, bool(element.choices))


def _type_name(type_: CqlType) -> str:
    assert isinstance(type_, NamedType)
    return type_.name if type_.model == "FHIR" else str(type_)


@lru_cache(maxsize=1)
def fhir_schema() -> FhirSchema:
    """The schema of FHIR 4.0.1."""
    return FhirSchema(load_model("FHIR", "4.0.1"))
