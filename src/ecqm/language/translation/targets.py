"""Mapping elements of one model to the data of another: the `target` of QI-Core and US Core elements.

A target refers to the value of the element in the data (%value) and to the instance (%parent):

    %value.value                                     a part of the value
    FHIRHelpers.ToConcept(%value)                    a function of the value
    %parent.extension[url='…'].value.value           another place in the instance
    System.Concept:F(%value);System.ValueSet:G(…)    depends on the type of the value

The target of a list applies to each of its elements.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ecqm.elm import nodes
from ecqm.language.diagnostics import TranslationError
from ecqm.language.parse_trees import Context
from ecqm.language.translation.core import Translator
from ecqm.language.translation.registry import Typed
from ecqm.models import named_type
from ecqm.types import STRING, ChoiceType, CqlType, ListType, NamedType, TypeSyntaxError, parse_type

_CALL = re.compile(r"(\w+)\.(\w+)\((.*)\)", re.DOTALL)
_CRITERION = re.compile(r"([\w.]+)='([^']*)'")
_BY_TYPE = re.compile(r"[A-Z]\w*\.[\w.<>]+:")


def access(source: nodes.Expression, path: str) -> nodes.Property:
    """A property: of an alias by `scope`, of other expressions by `source`."""
    if isinstance(source, nodes.AliasRef) and source.name != "$this":
        return nodes.Property(path=path, scope=source.name)
    return nodes.Property(path=path, source=source)


def through_target(
    translator: Translator, element: Typed, target: str | None, parent: Typed, context: Context
) -> Typed:
    """`element` of `parent` as its model maps it; without a mapping, the element itself."""
    if target is None or target == "%value":
        return element
    if _BY_TYPE.match(target):
        return _by_type(translator, element, target, parent, context)
    if isinstance(element.type, ListType):
        return _each(translator, element, element.type, target, parent, context)
    return translator.typed(_map(translator, target, element, parent, context), element.type)


def _each(
    translator: Translator, element: Typed, type_: ListType, target: str, parent: Typed, context: Context
) -> Typed:
    this = Typed(nodes.AliasRef(name="$this"), type_.element)
    source, inner = element.node, target
    call = _CALL.fullmatch(target)
    path = target if call is None else call.group(3)
    if path.startswith("%parent."):
        source = _path(translator, path.removeprefix("%parent."), parent, context, many=True)
        if call is None:
            return translator.typed(source, type_)
        inner = f"{call.group(1)}.{call.group(2)}(%value)"
    query = nodes.Query(
        source=[nodes.AliasedQuerySource(alias="$this", expression=source)],
        return_=nodes.ReturnClause(distinct=False, expression=_map(translator, inner, this, parent, context)),
    )
    return translator.typed(query, type_)


def _by_type(translator: Translator, element: Typed, target: str, parent: Typed, context: Context) -> Typed:
    items: list[nodes.CaseItem] = []
    by_type: dict[CqlType, Typed] = {}
    for part in target.split(";"):
        type_text, _, mapping = part.partition(":")
        try:
            type_ = parse_type(type_text)
        except TypeSyntaxError:
            raise _unsupported(target, context) from None
        tested = parent if _is_part_of(type_, parent.type) else element
        mapped = through_target(translator, Typed(element.node, type_), mapping, parent, context)
        by_type[type_] = mapped
        items.append(nodes.CaseItem(when=translator.is_of(tested, type_).node, then=mapped.node))
    case = nodes.Case(caseItem=items, else_=nodes.Null())
    return translator.case_by_type(case, element.type, by_type)


def _is_part_of(type_: CqlType, whole: CqlType) -> bool:
    return type_ == whole or type_ in getattr(whole, "choices", ())


def _map(translator: Translator, target: str, element: Typed, parent: Typed, context: Context) -> nodes.Expression:
    call = _CALL.fullmatch(target)
    if call is not None:
        library, name, operand = call.groups()
        inner = Typed(_map(translator, operand, element, parent, context), element.type)
        return model_function(translator, inner, library, name, element.type, context)
    if target == "%value":
        return element.node
    if target.startswith("%value."):
        return access(element.node, target.removeprefix("%value."))
    if target.startswith("%parent."):
        return _path(translator, target.removeprefix("%parent."), parent, context)
    raise _unsupported(target, context)


def _path(
    translator: Translator, path: str, parent: Typed, context: Context, *, many: bool = False
) -> nodes.Expression:
    """A path from the instance. At most one step has criteria; the rest of the path is one dotted property.

    The criteria select a single element, or with `many` all elements that meet them.
    """
    at = path.find("[", path.find("[x]") + 3 if "[x]" in path else 0)
    if at < 0:
        return access(parent.node, path)
    end = path.index("]", at)
    before, criteria, after = path[:at], path[at + 1 : end], path[end + 1 :].lstrip(".")
    source: nodes.Expression = parent.node
    steps = before.replace("[x]", "").split(".")
    for step in steps:
        source = access(source, step)
    selected_type = _data_type(translator, parent.type, steps)
    this = nodes.AliasRef(name="$this")
    where = _criteria(translator, _CRITERION.findall(criteria), selected_type, context)
    selected = nodes.Query(
        source=[nodes.AliasedQuerySource(alias="$this", expression=source)],
        where=where,
        return_=nodes.ReturnClause(distinct=False, expression=nodes.Property(path=after, source=this))
        if after
        else None,
    )
    return selected if many else nodes.SingletonFrom(operand=selected)


def _data_type(translator: Translator, type_: CqlType | None, steps: Sequence[str]) -> CqlType | None:
    """The type at the end of a path, in the model of the data to which this model maps."""
    if isinstance(type_, ChoiceType):
        type_ = type_.choices[0]
    current: CqlType | None = None
    while current is None and isinstance(type_, NamedType):
        mapped = named_type(translator.models.qname(type_))
        current = None if translator.models.describe(mapped) is None else mapped
        type_ = translator.models.relations.base(type_)
    for step in steps:
        element = translator.models.element(current, step) if isinstance(current, NamedType) else None
        if element is None:
            return None
        current = element.single_type
    return current


def _criteria(
    translator: Translator, criteria: Sequence[tuple[str, str]], selected: CqlType | None, context: Context
) -> nodes.Expression | None:
    condition: nodes.Expression | None = None
    for path, value in criteria:
        given = Typed(nodes.Property(path=path, scope="$this"), STRING)
        text = model_function(translator, given, "FHIRHelpers", "ToString", STRING, context)
        operand = _data_type(translator, selected, path.split("."))
        if operand is not None:
            text.signature = [translator.models.specifier(operand)]
        test = nodes.Equal(operand=[text, translator.literal(STRING, value).node])
        condition = test if condition is None else nodes.And(operand=[condition, test])
    return condition


def model_function(
    translator: Translator, operand: Typed, library: str, name: str, result: CqlType, context: Context
) -> nodes.FunctionRef:
    """The call of a function that the model names, of the overload that returns the element's type."""
    overloads = translator.library.functions_of(library, name)
    chosen = [overload for overload in overloads if overload.result == result]
    signature: list[nodes.TypeSpecifier] = []
    if len(overloads) > 1 and len(chosen) == 1:
        signature = [translator.models.specifier(type_) for _, type_ in chosen[0].operands]
    return nodes.FunctionRef(
        name=name, libraryName=translator.library.alias_of(library), operand=[operand.node], signature=signature
    )


def _unsupported(target: str, context: Context) -> TranslationError:
    return TranslationError(f"the model maps this element in an unsupported way: {target}", context)
