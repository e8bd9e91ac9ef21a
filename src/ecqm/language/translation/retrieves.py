"""Retrieves (Author's Guide, Retrieve; Filtering with Terminology)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ecqm.elm import nodes
from ecqm.language.diagnostics import TranslationError
from ecqm.language.parse_trees import Context, rule_of, word
from ecqm.language.translation.core import Translator, unknown_name
from ecqm.language.translation.mappings import access
from ecqm.language.translation.membership import membership
from ecqm.language.translation.names import (
    dotted_name,
    element_names,
    element_of,
    library_member,
    lookup,
    member,
    parts_of,
)
from ecqm.language.translation.registry import Typed, translates
from ecqm.models.model import ModelType
from ecqm.types import CODE, CONCEPT, STRING, VALUE_SET, ChoiceType, CqlType, ListType, NamedType

_PLACES_OF_RETRIEVES = frozenset(("TermExpression", "AliasedSource"))


@translates("RetrieveTerm")
def retrieve_term(translator: Translator, context: Context) -> Typed:
    if rule_of(context.parentCtx) not in _PLACES_OF_RETRIEVES:
        raise TranslationError("a retrieve that is part of a term must be in parentheses", context)
    names = context.qualifiedIdentifier()
    described = translator.models.retrievable(parts_of(names[-1]), names[-1])
    type_ = ListType(described.type)
    base = nodes.Retrieve(dataType=translator.models.qname(described.type), templateId=described.identifier)
    if len(names) == 2:
        base.context = _related(translator, names[0])
    if context.expression() is None:
        return Typed(base, type_)
    retrieves = _filtered(translator, base, described, context.expression())
    result = Typed(next(retrieves), type_)
    for other in retrieves:
        translator.described(result.node, context, type_)
        result = translator.operator("Union", [result, Typed(other, type_)], context)
    return result


def _related(translator: Translator, context: Context) -> nodes.Expression:
    """The expression for the instance that a retrieve is related to."""
    parts = parts_of(context)
    found: Typed | None = None
    if len(parts) == 1:
        found = lookup(translator, parts[0], context)
    elif parts[0] in translator.library.includes:
        found = library_member(translator, parts[0], parts[1], context)
    if found is None:
        raise unknown_name(".".join(parts), translator.library.names(), "context", context)
    return found.node


@dataclass(frozen=True, slots=True)
class _Filter:
    """A terminology filter: the retrieve without it, the type that is retrieved, the path of the element, and the
    `codes`, which are `listed` unless they are a value set. `context` is the expression of the filter."""

    translator: Translator
    base: nodes.Retrieve
    type: ModelType
    path: str
    codes: Typed
    listed: Typed
    context: Context

    def retrieve(self, comparator: str, codes: Typed) -> nodes.Retrieve:
        """The retrieve of what is coded by the element itself."""
        return nodes.replace(self.base, codeProperty=self.path, codeComparator=comparator, codes=codes.node)

    def of_value_set(self) -> nodes.Retrieve | None:
        """The retrieve of data that name a value set instead of a code: the value set itself, or one with the code."""
        type_ = self.codes.type
        if type_ == VALUE_SET:
            return self.retrieve("~", self.codes)
        if type_ == CONCEPT:
            listed = self.translator.typed(nodes.ToList(operand=self.codes.node), ListType(CONCEPT))
            return self.retrieve("contains", listed)
        if isinstance(type_, ListType):
            return None
        return self.retrieve("contains", self.codes if type_ == CODE else self.listed)

    def by_reference(self, referenced: ModelType, code_path: str) -> nodes.Query:
        """The query for instances that refer to a resource with the code; a reference ends with the resource's id."""
        translator, context = self.translator, self.context
        outer, inner = _initials(self.type.name), _initials(referenced.name)
        reference = Typed(nodes.Property(path=f"{self.path}.reference.value", scope=outer), STRING)
        parts = translator.operator("Split", [reference, translator.literal(STRING, "/")], context)
        identifier = Typed(nodes.Property(path="id.value", scope=inner), STRING)
        condition = translator.operator("Equal", [identifier, translator.operator("Last", [parts], context)], context)
        code = member(translator, Typed(nodes.AliasRef(name=inner), referenced.type), code_path, context)
        related = nodes.Retrieve(dataType=translator.models.qname(referenced.type), templateId=referenced.identifier)
        if self.codes.type == VALUE_SET:
            coded = membership(translator, code, self.codes, context)
            condition = translator.operator("And", [condition, coded], context)
        elif self.codes.type in (CODE, CONCEPT):
            coded = translator.operator("Equivalent", [code, self.codes], context)
            condition = translator.operator("And", [condition, coded], context)
        else:
            related.codeProperty, related.codeComparator, related.codes = code_path, "in", self.listed.node
        return nodes.Query(
            source=[nodes.AliasedQuerySource(alias=outer, expression=self.base)],
            relationship=[nodes.With(alias=inner, expression=related, suchThat=condition.node)],
        )


def _filtered(
    translator: Translator, base: nodes.Retrieve, described: ModelType, context: Context
) -> Iterator[nodes.Expression]:
    """The retrieves for a terminology filter: one, or one for each way in which data may be coded."""
    named, comparator, terminology = _filter_parts(context)
    path = _code_path(translator, described, named, context)
    codes = translator.translate(terminology)
    is_value_set = codes.type == VALUE_SET
    if comparator is None:
        comparator = "in" if is_value_set or isinstance(codes.type, ListType) else "~"
    listed = codes if is_value_set else _code_list(translator, codes, terminology)
    filter_ = _Filter(translator, base, described, path, codes, listed, context)
    yield filter_.retrieve(comparator, listed)
    coded_by = _property_type(translator, described.type, path)
    if named is not None or not isinstance(coded_by, ChoiceType):
        return
    if VALUE_SET in coded_by.choices and (naming := filter_.of_value_set()) is not None:
        yield naming
    referenced = _referenced(translator, coded_by, path)
    if referenced is not None and referenced.primary_code_path is not None:
        yield filter_.by_reference(referenced, referenced.primary_code_path)


def _code_path(translator: Translator, described: ModelType, named: str | None, context: Context) -> str:
    """The path of the element to filter by: the one that is named, otherwise the default of the type."""
    if named is None:
        if described.primary_code_path is None:
            raise TranslationError(
                f"{described.type} has no default code element; name one: [… : element in …]", context
            )
        return described.primary_code_path
    if element_of(translator, described.type, named.split(".")[0]) is None:
        known = element_names(translator, described.type)
        raise unknown_name(named, known, "element", context, within=str(described.type))
    return named


def _referenced(translator: Translator, choice: ChoiceType, path: str) -> ModelType | None:
    """The type that an element may refer to for its code; None if there is none.

    Models do not name the target of a reference, so it is derived from the name of the element (`medication`:
    Medication).
    """
    for part in choice.choices:
        if isinstance(part, NamedType) and translator.models.element(part, "reference") is not None:
            model = translator.models.model_of(part)
            found = None if model is None else model.type(f"{path[:1].upper()}{path[1:]}")
            if found is not None and found.retrievable and found.primary_code_path is not None:
                return found
    return None


def _property_type(translator: Translator, type_: NamedType, path: str) -> CqlType | None:
    current: CqlType = type_
    for step in path.split("."):
        described = element_of(translator, current, step)
        if described is None:
            return None
        current = described[0].element if isinstance(described[0], ListType) else described[0]
    return current


def _filter_parts(context: Context) -> tuple[str | None, str | None, Context]:
    """A filter as (path, comparator, terminology); path and comparator are None for a terminology alone."""
    if rule_of(context) in ("MembershipExpression", "EqualityExpression"):
        left, right = context.expression()
        comparator = word(context, 1)
        if rule_of(left) == "TermExpression" and left.queryTail() is None and comparator in ("in", "~", "="):
            path = dotted_name(left.term())
            if path is not None:
                return ".".join(path), comparator, right
    return None, None, context


def _code_list(translator: Translator, codes: Typed, context: Context) -> Typed:
    """The codes to filter a retrieve by, as a list."""
    if isinstance(codes.type, ListType):
        return codes
    if codes.type == CONCEPT:
        return Typed(access(codes.node, "codes"), ListType(CODE))
    if codes.type not in (CODE, STRING):
        # Published libraries have functions with such retrieves, which nothing calls.
        translator.report(
            TranslationError(f"a retrieve can be filtered by a value set or codes, not by {codes.type}", context),
            "warning",
        )
    return translator.typed(nodes.ToList(operand=codes.node), ListType(codes.type))


def _initials(name: str) -> str:
    return "".join(char for char in name if char.isupper()) or name
