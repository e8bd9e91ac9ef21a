"""What the logic of a measure asks of patients, as far as it can be read off its ELM: what made patients are made of.

Of every definition that a measure reaches: the retrieves (type, profile, codes), the names of the elements that are
looked at, and for each of these the codes, strings and numbers that it is compared with.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice

from ecqm.bundles.content import Content
from ecqm.elm import IndexedLibrary
from ecqm.elm import nodes as elm
from ecqm.elm.nodes.base import walk
from ecqm.measures.evaluation.planning import MeasurePlan
from ecqm.measures.explanation.logic import MeasureLogic
from ecqm.models.profiles import canonical
from ecqm.plan.lowering.types import specified_type
from ecqm.terminology.codes import CodeKey
from ecqm.types import IntervalType, NamedType

# Codes of one value set that patients are made of: enough to tell one code from another.
_CODES_TAKEN = 4
# The types of FHIR that values of a CQL type come from, and those that a conversion of FHIRHelpers takes.
_SOURCES = {
    "Quantity": ("Quantity",), "Concept": ("CodeableConcept",), "Code": ("Coding",), "DateTime": ("dateTime",),
    "Date": ("date",), "String": ("string",), "Boolean": ("boolean",), "Integer": ("integer",), "Ratio": ("Ratio",),
    "Reference": ("Reference",), "Interval": ("Period", "Range"),
}  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """What a retrieve asks for: resources of a type that declare `profile`, with one of these codes in `code_path`."""

    resource_type: str
    profile: str
    code_path: str | None
    codes: tuple[CodeKey, ...]
    value_set: str | None


@dataclass
class Vocabulary:
    """The words of a measure. `codes`, `strings` and `numbers` are by the name of the element compared with them, all
    of them by the empty name; `quantities` are (number, unit). `types` are those that an element is taken for."""

    asked: list[Asked] = field(default_factory=list)
    elements: set[str] = field(default_factory=set)
    codes: dict[str, set[CodeKey]] = field(default_factory=lambda: defaultdict(set))
    strings: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    quantities: dict[str, set[tuple[Decimal, str]]] = field(default_factory=lambda: defaultdict(set))
    types: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    extensions: set[str] = field(default_factory=set)

    def by_type(self, resource_type: str) -> list[Asked]:
        return [asked for asked in self.asked if asked.resource_type == resource_type]


def vocabulary_of(content: Content, plan: MeasurePlan) -> Vocabulary:
    """The vocabulary of a planned measure, its value sets expanded."""
    return _Reader(content, plan).read()


class _Reader:
    def __init__(self, content: Content, plan: MeasurePlan) -> None:
        self._content = content
        self._plan = plan
        self._found = Vocabulary()

    def read(self) -> Vocabulary:
        asked: dict[Asked, None] = {}
        for define in MeasureLogic(self._plan).defines:
            for node in walk(define.definition):
                if isinstance(node, elm.Retrieve):
                    asked[self._asked(node, define.library)] = None
                elif isinstance(node, elm.Property) and node.path:
                    self._found.elements.update(node.path.split("."))
                elif isinstance(node, elm.Literal) and (node.value or "").startswith("http"):
                    self._found.extensions.add(node.value or "")
                elif isinstance(node, elm.OperatorExpression):
                    self._compared(node, define.library)
                if isinstance(node, (elm.As, elm.Is, elm.FunctionRef)):
                    self._taken_for(node)
        self._found.asked = list(asked)
        return self._found

    def _asked(self, node: elm.Retrieve, library: IndexedLibrary) -> Asked:
        name = node.dataType.rpartition("}")[2]
        profile = canonical(node.templateId or f"http://hl7.org/fhir/StructureDefinition/{name}")
        codes = tuple(sorted(self._codes_in(node.codes, library))) if node.codes is not None else ()
        refs = [ref for ref in walk(node.codes) if isinstance(ref, elm.ValueSetRef)] if node.codes is not None else []
        value_set = self._value_set(refs[0], library) if refs else None
        if node.codeProperty:
            self._found.elements.update(node.codeProperty.split("."))
        return Asked(name, profile, node.codeProperty, codes, value_set)

    def _taken_for(self, node: elm.As | elm.Is | elm.FunctionRef) -> None:
        """Notes the type that an element is cast or converted to, or tested for."""
        if isinstance(node, elm.FunctionRef):
            operand, name = node.operand[0] if node.operand else None, node.name.removeprefix("To")
        else:
            if isinstance(node, elm.As):
                type_ = specified_type(node.asTypeSpecifier, node.asType)
            else:
                type_ = specified_type(node.isTypeSpecifier, node.isType)
            operand = node.operand
            name = type_.name if isinstance(type_, NamedType) else "Interval" if isinstance(type_, IntervalType) else ""
        while isinstance(operand, elm.FunctionRef) and operand.name == "ToValue":
            operand = operand.operand[0]
        if isinstance(operand, elm.Property):
            self._found.types[operand.path.rpartition(".")[2]].update(_SOURCES.get(name, ()))

    def _compared(self, node: elm.OperatorExpression, library: IndexedLibrary) -> None:
        """Notes what the elements in the operands of an operator are compared with, if anything."""
        parts = list(walk(node))
        names = {part.path.rpartition(".")[2] for part in parts if isinstance(part, elm.Property)} | {""}
        codes = set(self._codes_in(node, library))
        literals = [part for part in parts if isinstance(part, elm.Literal) and part.value is not None]
        texts = {each.value or "" for each in literals if each.valueType.endswith("}String")}
        numbers = {
            (Decimal(each.value or "0"), "1") for each in literals if each.valueType.endswith(("}Integer", "}Decimal"))
        }
        numbers |= {(part.value, part.unit or "1") for part in parts if isinstance(part, elm.Quantity)}
        for name in names:
            self._found.codes[name] |= codes
            self._found.strings[name] |= texts
            self._found.quantities[name] |= numbers

    def _codes_in(self, node: elm.Expression, library: IndexedLibrary) -> Iterator[CodeKey]:
        for part in walk(node):
            if isinstance(part, elm.ValueSetRef):
                yield from islice(sorted(self._expanded(self._value_set(part, library))), _CODES_TAKEN)
            elif isinstance(part, elm.CodeRef):
                yield self._code(part, library)
            elif isinstance(part, elm.ConceptRef):
                home = self._plan.libraries.included(library, part.libraryName)
                yield from (self._code(ref, home) for ref in home.concepts[part.name].code)

    def _value_set(self, ref: elm.ValueSetRef, library: IndexedLibrary) -> str:
        return self._plan.libraries.included(library, ref.libraryName).value_sets[ref.name].id

    def _expanded(self, identifier: str) -> Iterable[CodeKey]:
        found = self._content.value_sets.find(identifier)
        return () if found is None else found.codes

    def _code(self, ref: elm.CodeRef, library: IndexedLibrary) -> CodeKey:
        home = self._plan.libraries.included(library, ref.libraryName)
        code = home.codes[ref.name]
        system = self._plan.libraries.included(home, code.codeSystem.libraryName) if code.codeSystem else home
        return (system.code_systems[code.codeSystem.name].id if code.codeSystem else "", code.id)
