"""The models that a library uses, and the types that they define together."""

from __future__ import annotations

from dataclasses import dataclass, field

from ecqm.elm import nodes
from ecqm.language.conversions import NO_PROMOTIONS, ConversionTable, Promotions
from ecqm.language.diagnostics import TranslationError, nearest
from ecqm.language.type_relations import TypeRelations
from ecqm.models import SYSTEM_NAMESPACE, load_model
from ecqm.models.model import Model, ModelElement, ModelType
from ecqm.models.specifiers import specifier_of_type
from ecqm.types import CqlType, NamedType


@dataclass(slots=True)
class ModelContext:
    """The models in use, by local name; System is always one of them."""

    promotions: Promotions = NO_PROMOTIONS
    models: dict[str, Model] = field(default_factory=dict)
    loaded: dict[str, Model] = field(default_factory=dict)
    relations: TypeRelations = field(init=False)
    conversions: ConversionTable = field(init=False)

    def __post_init__(self) -> None:
        self.relations = TypeRelations(self._base_of)
        self.conversions = ConversionTable(self.relations, self.promotions)
        self.use("System", None)

    def use(self, name: str, version: str | None, local_name: str | None = None) -> Model:
        """Start to use a model. Raises LookupError if there is no such model."""
        model = load_model(name, version)
        self.models[local_name or name] = model
        self._load(model)
        return model

    def _load(self, model: Model) -> None:
        """Make the types and conversions of a model known, and those of the models from which it is derived."""
        if model.name in self.loaded:
            return
        self.loaded[model.name] = model
        for conversion in model.conversions:
            library, _, function = conversion.function.rpartition(".")
            self.conversions.add(conversion.from_type, conversion.to_type, (library or "System", function))
        for name, version in model.requires.items():
            self._load(load_model(name, version))

    def _base_of(self, type_: NamedType) -> CqlType | None:
        described = self.describe(type_)
        return None if described is None else described.base

    def model_of(self, type_: NamedType) -> Model | None:
        """The model that declares the type."""
        model = self.loaded.get(type_.model)
        if model is None:
            try:
                model = self.loaded[type_.model] = load_model(type_.model, None)
            except LookupError:
                return None
        return model

    def describe(self, type_: CqlType) -> ModelType | None:
        """The model's description of a named type; None for other types."""
        if not isinstance(type_, NamedType):
            return None
        model = self.model_of(type_)
        return None if model is None else model.type(type_)

    def named_type(self, parts: list[str], context: object = None) -> NamedType:
        """The type with a name such as `Encounter` or `FHIR.Encounter`. Raises TranslationError with a suggestion."""
        found = self.find_type(parts)
        if found is not None:
            return found
        name = ".".join(parts)
        known = [type_.name for model in self.models.values() for type_ in model.types()]
        raise TranslationError(f"unknown type {name!r}", context, suggestion=nearest(parts[-1], known))

    def find_type(self, parts: list[str]) -> NamedType | None:
        """Like `named_type`, but None if there is no such type."""
        if len(parts) > 1 and (named := self.models.get(parts[0], self.loaded.get(parts[0]))) is not None:
            name = ".".join(parts[1:])
            found = named.type(name) or named.labelled(name)
            if found is not None:
                return found.type
        name = ".".join(parts)
        # Types of models hide those of System: Quantity is that of FHIR in a library that uses FHIR.
        for model in sorted(self.models.values(), key=lambda model: model.name == "System"):
            found = model.type(name) or model.labelled(name)
            if found is not None:
                return found.type
        return None

    def retrievable(self, parts: list[str], context: object = None) -> ModelType:
        """The type that `[name]` retrieves, by name or label. Raises TranslationError if there is none."""
        for model in self.models.values():
            qualified = len(parts) > 1 and self.models.get(parts[0]) is model
            name = ".".join(parts[1:] if qualified else parts)
            found = model.retrievable(name)
            if found is not None:
                return found
        known = [t.name for model in self.models.values() for t in model.types() if t.retrievable]
        name = ".".join(parts)
        if self.find_type(parts) is not None:
            raise TranslationError(f"{name!r} cannot be retrieved", context)
        raise TranslationError(f"unknown type {name!r} in a retrieve", context, suggestion=nearest(name, known))

    def element(self, type_: NamedType, name: str) -> ModelElement | None:
        """An element of a type, declared or inherited; None if there is none."""
        model = self.model_of(type_)
        return None if model is None else model.element(type_, name)

    def element_names(self, type_: NamedType) -> list[str]:
        """The names of all elements of a type."""
        model = self.model_of(type_)
        return [] if model is None else list(model.elements(type_))

    def qname(self, type_: NamedType) -> str:
        """The name of a type in ELM, `{namespace}name`: that of the type to which its model maps it, if it does."""
        model = self.model_of(type_)
        if model is None:
            return f"{{{SYSTEM_NAMESPACE}}}{type_.name}"
        described = model.type(type_)
        target = described.target if described is not None and described.target else type_.name
        return f"{{{model.target_url}}}{target}"

    def specifier(self, type_: CqlType) -> nodes.TypeSpecifier:
        """The ELM type specifier of a type."""
        return specifier_of_type(type_, self.qname)
