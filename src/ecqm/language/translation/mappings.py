"""Elements that a model maps to the data of another (Using CQL with FHIR, "Mapping"; `ecqm.models.mappings`)."""

from __future__ import annotations

from collections.abc import Sequence

from ecqm.elm import nodes
from ecqm.language.diagnostics import TranslationError
from ecqm.language.translation.core import Translator
from ecqm.language.translation.registry import Typed
from ecqm.models import named_type
from ecqm.models.mappings import (
    ElementMapping,
    InstancePath,
    MappingByType,
    MappingFunction,
    UnknownMapping,
    ValuePath,
)
from ecqm.types import STRING, ChoiceType, CqlType, ListType, NamedType


def access(source: nodes.Expression, path: str) -> nodes.Property:
    """A property: of an alias by `scope`, of other expressions by `source`."""
    if isinstance(source, nodes.AliasRef) and source.name != "$this":
        return nodes.Property(path=path, scope=source.name)
    return nodes.Property(path=path, source=source)


def mapped(translator: Translator, element: Typed, mapping: ElementMapping | None, parent: Typed) -> Typed:
    """`element` of `parent` as its model maps it; without a mapping, the element itself."""
    if mapping is None or mapping == ValuePath():
        return element
    if isinstance(mapping, MappingByType):
        return _by_type(translator, element, mapping, parent)
    if isinstance(element.type, ListType):
        return _each(translator, element, element.type, mapping, parent)
    return translator.typed(_single(translator, mapping, element, parent), element.type)


def _by_type(translator: Translator, element: Typed, mapping: MappingByType, parent: Typed) -> Typed:
    items: list[nodes.CaseItem] = []
    by_type: dict[CqlType, Typed] = {}
    for type_, alternative in mapping.alternatives:
        tested = parent if _is_part_of(type_, parent.type) else element
        chosen = by_type[type_] = mapped(translator, Typed(element.node, type_), alternative, parent)
        items.append(nodes.CaseItem(when=translator.is_of(tested, type_).node, then=chosen.node))
    case = nodes.Case(caseItem=items, else_=nodes.Null())
    return translator.case_by_type(case, element.type, by_type)


def _is_part_of(type_: CqlType, whole: CqlType) -> bool:
    return type_ == whole or (isinstance(whole, ChoiceType) and type_ in whole.choices)


def _each(translator: Translator, element: Typed, type_: ListType, mapping: ElementMapping, parent: Typed) -> Typed:
    """The list with each of its elements mapped."""
    source = element.node
    match mapping:
        case InstancePath():
            return translator.typed(_at(translator, mapping, parent), type_)
        case MappingFunction(library, name, InstancePath() as path):
            source = _at(translator, path, parent)
            mapping = MappingFunction(library, name, ValuePath())
    this = Typed(nodes.AliasRef(name="$this"), type_.element)
    query = nodes.Query(
        source=[nodes.AliasedQuerySource(alias="$this", expression=source)],
        return_=nodes.ReturnClause(distinct=False, expression=_single(translator, mapping, this, parent)),
    )
    return translator.typed(query, type_)


def _single(translator: Translator, mapping: ElementMapping, element: Typed, parent: Typed) -> nodes.Expression:
    match mapping:
        case ValuePath(path):
            return access(element.node, path) if path else element.node
        case InstancePath(criteria=criteria):
            found = _at(translator, mapping, parent)
            return nodes.SingletonFrom(operand=found) if criteria else found
        case MappingFunction(library, name, operand):
            inner = Typed(_single(translator, operand, element, parent), element.type)
            return _function(translator, inner, library, name, element.type)
        case UnknownMapping(text):
            raise TranslationError(f"the model maps this element in an unsupported way: {text}")
    raise TranslationError("the model maps this element by type within another mapping")


def _at(translator: Translator, place: InstancePath, parent: Typed) -> nodes.Expression:
    """What is at a place of the instance; with criteria, a list."""
    if not place.criteria:
        return access(parent.node, place.path)
    source: nodes.Expression = parent.node
    steps = place.path.split(".")
    for step in steps:
        source = access(source, step)
    selected = _data_type(translator, parent.type, steps)
    rest = nodes.Property(path=place.rest, source=nodes.AliasRef(name="$this")) if place.rest else None
    return nodes.Query(
        source=[nodes.AliasedQuerySource(alias="$this", expression=source)],
        where=_criteria(translator, place.criteria, selected),
        return_=None if rest is None else nodes.ReturnClause(distinct=False, expression=rest),
    )


def _data_type(translator: Translator, type_: CqlType | None, steps: Sequence[str]) -> CqlType | None:
    """The type at the end of a path, in the model of the data to which this model maps."""
    if isinstance(type_, ChoiceType):
        type_ = type_.choices[0]
    current: CqlType | None = None
    while current is None and isinstance(type_, NamedType):
        in_data = named_type(translator.models.qname(type_))
        current = None if translator.models.describe(in_data) is None else in_data
        type_ = translator.models.relations.base(type_)
    for step in steps:
        element = translator.models.element(current, step) if isinstance(current, NamedType) else None
        if element is None:
            return None
        current = element.single_type
    return current


def _criteria(
    translator: Translator, criteria: Sequence[tuple[str, str]], selected: CqlType | None
) -> nodes.Expression | None:
    condition: nodes.Expression | None = None
    for path, value in criteria:
        given = Typed(nodes.Property(path=path, scope="$this"), STRING)
        text = _function(translator, given, "FHIRHelpers", "ToString", STRING)
        operand = _data_type(translator, selected, path.split("."))
        if operand is not None:
            text.signature = [translator.models.specifier(operand)]
        test = nodes.Equal(operand=[text, translator.literal(STRING, value).node])
        condition = test if condition is None else nodes.And(operand=[condition, test])
    return condition


def _function(translator: Translator, operand: Typed, library: str, name: str, result: CqlType) -> nodes.FunctionRef:
    """The call of a function that the model names, of the overload that returns the element's type."""
    overloads = translator.library.functions_of(library, name)
    chosen = [overload for overload in overloads if overload.result == result]
    signature: list[nodes.TypeSpecifier] = []
    if len(overloads) > 1 and len(chosen) == 1:
        signature = [translator.models.specifier(type_) for _, type_ in chosen[0].operands]
    return nodes.FunctionRef(
        name=name, libraryName=translator.library.alias_of(library), operand=[operand.node], signature=signature
    )
