"""What the readers need to know of QDM at one version: its data types, their attributes, and the types of those.

QDM's model says what a data type is called and which attributes it has (`AssessmentPerformed`: `authorDatetime`,
`result`, …); the profiles `PositiveX` and `NegativeX` of a data type tell what was done from what was not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from ecqm.models import Model, load_model, model_versions
from ecqm.types import CODE, CqlType, ListType, NamedType

PATIENT = "Patient"
BASE_TYPE = "QDMBaseType"
# An element of the data has any number of codes for one thing; logic sees the first as its `code`.
CODES = "dataElementCodes"
NEGATION = "negationRationale"
NEWEST = "5.6"
# What is read of every element, whatever a measure asks for.
ALWAYS = ("id", CODES, NEGATION)


@dataclass(frozen=True)
class Attribute:
    """An attribute of a data type or of a part of one."""

    name: str
    type: CqlType

    @property
    def single_type(self) -> CqlType:
        """The type of one value: of a list, that of its elements."""
        return self.type.element if isinstance(self.type, ListType) else self.type


class QdmSchema:
    """The data types of one version of QDM; a version without a model of its own is read by the nearest that has."""

    def __init__(self, model: Model) -> None:
        self.version = model.version
        self._model = model
        self._attributes: dict[str, dict[str, Attribute]] = {}

    @cached_property
    def data_types(self) -> frozenset[str]:
        """The names of the data types, without the patient."""
        return frozenset(
            type_.name
            for type_ in self._model.types()
            if type_.kind == "class" and type_.name != BASE_TYPE and self._is_data_type(type_.name)
        )

    def _is_data_type(self, name: str) -> bool:
        return any(step.name == BASE_TYPE for step in self._model.lineage(name))

    def base(self, name: str) -> str:
        """The data type that a retrieve of `name` looks among: of `NegativeX` and `PositiveX` it is X."""
        declared = self._model.type(name)
        if declared is not None and declared.kind == "profile" and isinstance(declared.base, NamedType):
            return declared.base.name
        if declared is None and name.startswith(("Positive", "Negative")):
            return name[len("Positive") :]
        return name

    def attributes(self, type_name: str) -> Mapping[str, Attribute]:
        """The attributes of a data type, or of a part (Component, Practitioner…), by name; none of an unknown type.

        `id` is a string in every version: a name of the element, nothing more.
        """
        found = self._attributes.get(type_name)
        if found is None:
            elements = self._model.elements(type_name) if self._model.type(type_name) is not None else {}
            found = {name: Attribute(name, element.type) for name, element in elements.items() if name != "patientId"}
            if type_name in self.data_types:
                found = {CODES: Attribute(CODES, ListType(CODE)), **found}
            self._attributes[type_name] = found
        return found


@lru_cache(maxsize=16)
def qdm_schema(version: str = NEWEST) -> QdmSchema:
    """The schema of a version of QDM: of `5.0.2`, which has no model of its own, that of the oldest that has."""
    at_hand = sorted(model_versions("QDM"))
    known = [each for each in at_hand if each <= version]
    return QdmSchema(load_model("QDM", known[-1] if known else at_hand[0]))
