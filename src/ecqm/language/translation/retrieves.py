"""Retrieves (Author's Guide, Retrieve; Filtering with Terminology)."""

from __future__ import annotations

from ecqm.elm import nodes
from ecqm.language.diagnostics import CqlError
from ecqm.language.translation.core import Context, Typed
from ecqm.language.translation.names import name_of, parts_of
from ecqm.language.translation.queries import QueryTranslator
from ecqm.models.model import ModelType
from ecqm.types import CODE, CONCEPT, STRING, VALUE_SET, CqlType, ListType, NamedType


class RetrieveTranslator(QueryTranslator):
    """Translates retrieves."""

    def visit_RetrieveTerm(self, context: Context) -> Typed:
        names = context.qualifiedIdentifier()
        described = self.models.retrievable(parts_of(names[-1]), names[-1])
        retrieve = nodes.Retrieve(
            dataType=self.models.qname(described.type), templateId=described.identifier
        )
        if len(names) == 2:
            retrieve.context = self._related(names[0])
        if context.expression() is not None:
            self._filter(retrieve, described, context.expression())
        return Typed(retrieve, ListType(described.type))

    def _related(self, context: Context) -> nodes.Expression:
        """The expression whose instances a retrieve is related to."""
        parts = parts_of(context)
        if len(parts) == 1:
            found = self.lookup(parts[0], context)
        else:
            found = self.library_member(parts[0], parts[1], context) if parts[0] in self.includes else None
        if found is None:
            raise self.unknown_name(".".join(parts), self.own_names(), "the context", context)
        return found.node

    def _filter(self, retrieve: nodes.Retrieve, described: ModelType, context: Context) -> None:
        path, comparator, terminology = self._taken_apart(context)
        if path is None:
            path = described.primary_code_path
            if path is None:
                raise CqlError(f"{described.type} has no code to filter by", context)
        elif self.element_of(described.type, path.split(".")[0]) is None:
            known = self.element_names(described.type)
            raise self.unknown_name(path, known, f"in {described.type}, the element", context)
        codes = self.translate(terminology)
        retrieve.codeProperty = path
        is_value_set = codes.type == VALUE_SET
        property_type = self._property_type(described.type, path)
        if comparator is None:
            comparator = "~" if self._single_code(codes.type, is_value_set, property_type) else "in"
        retrieve.codeComparator = comparator
        retrieve.codes = codes.node if is_value_set else self._code_list(codes, terminology).node

    def _single_code(self, codes: CqlType, is_value_set: bool, property_type: CqlType | None) -> bool:
        if is_value_set:
            return False
        return not isinstance(codes, ListType)

    def _property_type(self, type_: NamedType, path: str) -> CqlType | None:
        current: CqlType = type_
        for step in path.split("."):
            described = self.element_of(current, step)
            if described is None:
                return None
            current = described[0].element if isinstance(described[0], ListType) else described[0]
        return current

    def _taken_apart(self, context: Context) -> tuple[str | None, str | None, Context]:
        """A filter as (path, comparator, terminology): `code in "VS"` is written like a membership test."""
        kind = type(context).__name__
        if kind in ("MembershipExpressionContext", "EqualityExpressionContext"):
            left, right = context.expression()
            comparator = context.getChild(1).getText()
            path = self._dotted(left)
            if path is not None and comparator in ("in", "~", "="):
                return path, comparator, right
        return None, None, context

    def _dotted(self, context: Context) -> str | None:
        """The dotted path that an expression consists of, if it is one."""
        kind = type(context).__name__
        if kind == "TermExpressionContext" and context.queryTail() is None:
            return self._dotted(context.term())
        if kind == "NameTermContext" and context.getChildCount() == 1:
            return name_of(context.referentialIdentifier())
        if kind == "MemberTermContext" and context.getChildCount() == 3:
            before = self._dotted(context.term())
            return None if before is None else f"{before}.{name_of(context.anyName())}"
        return None

    def _code_list(self, codes: Typed, context: Context) -> Typed:
        """What a retrieve is filtered by is a list of codes."""
        if isinstance(codes.type, ListType):
            return codes
        if codes.type == CONCEPT:
            return Typed(self.access(codes.node, "codes"), ListType(CODE))
        if codes.type in (CODE, STRING):
            return self.record_type(Typed(nodes.ToList(operand=codes.node), ListType(codes.type)))
        raise CqlError(f"a retrieve is filtered by a value set or by codes, not by {codes.type}", context)
