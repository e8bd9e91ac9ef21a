"""A data model: its types, their elements, and how they relate. Types are parsed on first use."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ecqm.models.layout import CODE_PATH, TARGET, ModelFile, TypeBlock
from ecqm.types import ANY, ChoiceType, CqlType, ListType, NamedType, parse_type


@dataclass(frozen=True, slots=True)
class ModelElement:
    """An element of a type.

    If the model maps to another one (QI-Core to FHIR), `target` is the expression for the value there: `%value` is the
    element with the same name, `%parent` the instance.
    """

    name: str
    type: CqlType
    target: str | None = None

    @property
    def is_list(self) -> bool:
        return isinstance(self.type, ListType)

    @property
    def single_type(self) -> CqlType:
        """The type of a single value: for a list, the type of its elements."""
        return self.type.element if isinstance(self.type, ListType) else self.type

    @property
    def choices(self) -> tuple[CqlType, ...]:
        """The alternatives of a choice type; empty for other types."""
        return self.single_type.choices if isinstance(self.single_type, ChoiceType) else ()


class ModelType:
    """A type of a model.

    `kind` is class, profile (of its base class) or simple. `identifier` is the canonical URL or name of the definition,
    `label` another name for retrieves, `target` the type of instances in the target model, and `primary_code_path` the
    element that a retrieve filters by default.
    """

    def __init__(self, model: str, block: TypeBlock) -> None:
        self._block = block
        self.kind = block.kind
        self.type = NamedType(model, block.name)
        self.identifier = block.attributes.get("identifier")
        self.label = block.attributes.get("label")
        self.target = block.attributes.get(TARGET)
        self.primary_code_path = block.attributes.get(CODE_PATH)
        self.retrievable = block.retrievable

    @property
    def name(self) -> str:
        return self.type.name

    @cached_property
    def base(self) -> CqlType | None:
        """The type that this one extends, for a few types of QI-Core a choice. None for System.Any."""
        if self._block.base:
            return parse_type(self._block.base)
        return None if self.type == ANY else ANY

    def _lines(self) -> Iterator[list[str]]:
        """The fields of the lines of elements and contexts."""
        return (line.removeprefix("\t").split("\t") for line in self._block.lines)

    @cached_property
    def elements(self) -> Mapping[str, ModelElement]:
        """Its own elements by name, in the order of the definition. `Model.elements` includes inherited ones."""
        return {
            name: ModelElement(name, parse_type(type_), target[0] if target else None)
            for name, type_, *target in self._lines()
            if not name.startswith("@")
        }

    @cached_property
    def contexts(self) -> Mapping[str, tuple[str, ...]]:
        """By context (Patient, Practitioner…), the elements that refer to the patient, practitioner… of an instance."""
        found: dict[str, tuple[str, ...]] = {}
        for name, element, *_ in self._lines():
            if name.startswith("@") and not name.startswith("@@"):
                found[name[1:]] = (*found.get(name[1:], ()), element)
        return found

    def __repr__(self) -> str:
        return f"<{self.kind} {self.type}>"


@dataclass(frozen=True, slots=True)
class Context:
    """An evaluation context: a kind of instance to which data belong, such as patients."""

    name: str
    type: NamedType
    key_element: str
    birth_date_element: str | None = None


@dataclass(frozen=True, slots=True)
class Conversion:
    """An implicit conversion and its function, such as `FHIRHelpers.ToCode`."""

    from_type: CqlType
    to_type: CqlType
    function: str


class Model:
    """A version of a model; created by `ecqm.models.load_model`."""

    def __init__(self, file: ModelFile, load: Callable[[str, str], Model]) -> None:
        """`load` takes the name and version of a model that this one requires, once its types are needed."""
        self.name, self.version, self.url = file.name, file.version, file.url
        self.target_url = file.attribute("targetUrl") or self.url
        self.requires = {"System": "1.0.0", **file.required}
        # The version that supplies everything except what this one adds.
        self.rest = file.attribute("rest")
        # Whether its types are derived from those of FHIR, instead of being mapped to them.
        self.is_derived = "FHIR" in self.requires
        self.patient_birth_date = file.attribute("patientBirthDatePropertyName")
        patient = (file.attribute("patientClassName") or "").removeprefix(f"{self.name}.")
        self.patient_type = NamedType(self.name, patient) if patient else None
        self.contexts = {context.name: context for context in map(_context, file.lines("context"))}
        self._file = file
        self._load = load
        self._types: dict[str, ModelType] = {}

    def __repr__(self) -> str:
        return f"<model {self.name} {self.version}>"

    def type(self, name: str | CqlType) -> ModelType | None:
        """The type with a name (`Encounter`, `FHIR.Encounter`, a NamedType) here or in a required model, or None. For a
        part of a resource that a model derived from FHIR does not profile, the type of FHIR."""
        if not isinstance(name, str):
            if not isinstance(name, NamedType):
                return None
            if name.model != self.name:
                other = self._required(name.model)
                return None if other is None else other.type(name)
            name = name.name
        model, _, rest = name.partition(".")
        if (other := self._required(model)) is not None:
            return other.type(rest)
        name = name.removeprefix(f"{self.name}.")
        found = self._types.get(name)
        if found is None and (block := self._file.types.get(name)) is not None:
            found = self._types[name] = ModelType(self.name, block)
        if found is None and self.is_derived and "." in name:
            # The parts of resources (Encounter.Diagnosis) are those of FHIR where the model does not profile them.
            return self._load("FHIR", self.requires["FHIR"]).type(name)
        return found

    def _required(self, name: str) -> Model | None:
        """A model that this one requires, or None."""
        if name == self.name or name not in self.requires:
            return None
        return self._load(name, self.requires[name])

    def types(self) -> Iterator[ModelType]:
        """All types, in the order of their names."""
        for name in self._file.types:
            found = self.type(name)
            assert found is not None
            yield found

    def element(self, type_: str | CqlType, name: str) -> ModelElement | None:
        """The element `name` of a type, own or inherited; None if there is none."""
        for ancestor in self.lineage(type_):
            if name in ancestor.elements:
                return ancestor.elements[name]
        return None

    def elements(self, type_: str | CqlType) -> Mapping[str, ModelElement]:
        """All elements of a type by name, inherited ones first."""
        found: dict[str, ModelElement] = {}
        for ancestor in reversed(tuple(self.lineage(type_))):
            found |= ancestor.elements
        return found

    def lineage(self, type_: str | CqlType) -> Iterator[ModelType]:
        """The type, its base, and so on up to System.Any."""
        current = self.type(type_)
        while current is not None:
            yield current
            current = None if current.base is None else self.type(current.base)

    def is_subtype(self, type_: CqlType, ancestor: CqlType) -> bool:
        """Whether a type is the same as `ancestor`, or extends it directly or indirectly."""
        return ancestor == type_ or any(step.type == ancestor for step in self.lineage(type_))

    @cached_property
    def _by_identifier(self) -> dict[str, ModelType]:
        return {type_.identifier: type_ for type_ in self.types() if type_.identifier}

    @cached_property
    def _by_label(self) -> dict[str, ModelType]:
        return {type_.label: type_ for type_ in self.types() if type_.label}

    def profile(self, identifier: str) -> ModelType | None:
        """The type whose definition has this canonical URL or identifier (the `templateId` of a Retrieve)."""
        return self._by_identifier.get(identifier)

    def labelled(self, label: str) -> ModelType | None:
        """The type with this label, such as `Encounter, Performed`."""
        return self._by_label.get(label)

    def retrievable(self, name: str) -> ModelType | None:
        """The type that `[name]` retrieves, by name or else by label; None if there is none that can be retrieved."""
        found = self.type(name) or self.labelled(name)
        return found if found is not None and found.retrievable else None

    @cached_property
    def conversions(self) -> tuple[Conversion, ...]:
        """All implicit conversions, in the order of the definition."""
        return tuple(
            Conversion(parse_type(source), parse_type(target), function)
            for source, target, function in self._file.lines("conversion")
        )

    @cached_property
    def _conversions_from(self) -> dict[CqlType, list[Conversion]]:
        found: dict[CqlType, list[Conversion]] = {}
        for conversion in self.conversions:
            found.setdefault(conversion.from_type, []).append(conversion)
        return found

    def conversions_from(self, type_: CqlType) -> tuple[Conversion, ...]:
        """The implicit conversions declared for exactly this type."""
        return tuple(self._conversions_from.get(type_, ()))

    def conversion(self, from_type: CqlType, to_type: CqlType) -> Conversion | None:
        """The implicit conversion between exactly these types; None if there is none."""
        return next((c for c in self.conversions_from(from_type) if c.to_type == to_type), None)


def _context(values: Sequence[str]) -> Context:
    name, type_name, *elements = values
    type_ = parse_type(type_name)
    assert isinstance(type_, NamedType)
    return Context(name, type_, *elements)
