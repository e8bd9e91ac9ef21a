"""Queries (Author's Guide, Queries)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ecqm.elm import nodes
from ecqm.language.diagnostics import CqlError
from ecqm.language.symbols import Scope
from ecqm.language.translation.core import Context, Typed, word
from ecqm.language.translation.names import name_of
from ecqm.language.translation.timing import TimingTranslator
from ecqm.types import ANY, CqlType, ListType, TupleType

_MOST_RETRANSLATIONS = 8
_STARTING = ("StringTermContext", "NumberTermContext", "ParenthesizedTermContext")
_SOURCES = ("NameTermContext", "MemberTermContext", "RetrieveTermContext", "ParenthesizedTermContext")


class QueryTranslator(TimingTranslator):
    """Translates queries, clause by clause."""

    _retranslations = 0

    def visit_TermExpression(self, context: Context) -> Typed:
        tail = context.queryTail()
        if tail is None:
            return self.translate(context.term())
        return self._query([(context.term(), tail.identifier())], tail.queryClauses(), context)

    def visit_MultiSourceExpression(self, context: Context) -> Typed:
        sources = [(source.term(), source.identifier()) for source in context.aliasedSource()]
        return self._query(sources, context.queryClauses(), context)

    def _query(self, sources: list[tuple[Context, Context]], clauses: Context, context: Context) -> Typed:
        scope = Scope()
        elm_sources: list[nodes.AliasedQuerySource] = []
        is_list = False
        for term, alias_context in sources:
            alias, source, source_is_list = self._source(term, alias_context, scope)
            is_list = is_list or source_is_list
            elm_sources.append(
                self._located(nodes.AliasedQuerySource(alias=alias, expression=source.node), term, source.type)
            )
        query = nodes.Query(source=elm_sources)
        with self.scope(scope):
            query.let = self._lets(clauses, scope)
            query.relationship = [self._relation(clause) for clause in clauses.relationClause()]
            where = clauses.whereClause()
            if where is not None:
                query.where = self.boolean(where.expression()).node
            type_ = self._result(query, scope, is_list, clauses, context)
        sort = clauses.sortClause()
        if sort is not None:
            if not isinstance(type_, ListType):
                raise CqlError("only a query over lists can be sorted", sort)
            query.sort = self._sort(sort, type_.element)
        return Typed(query, type_)

    def _located(self, node: Any, context: Context, type_: CqlType) -> Any:
        """A clause, with its locator and result type if the options ask for them."""
        self.locate(node, context)
        if self.options.result_types:
            self.set_result_type(node, type_)
        return node

    def _source(self, term: Context, alias_context: Context, scope: Scope) -> tuple[str, Typed, bool]:
        """Translate a source and add its alias to the scope: (alias, source, whether it is a list)."""
        if type(term).__name__ not in _SOURCES or _is_call(term):
            raise CqlError("a query source must be a retrieve, a name, or an expression in parentheses", term)
        source = self.translate(term)
        alias = name_of(alias_context)
        if alias in scope.aliases:
            raise CqlError(f"the alias {alias!r} is used twice", alias_context)
        self._warn_of_hidden(alias, alias_context)
        is_list = isinstance(source.type, ListType)
        scope.aliases[alias] = source.type.element if isinstance(source.type, ListType) else source.type
        return alias, source, is_list

    def _warn_of_hidden(self, name: str, context: Context) -> None:
        """Warn if a name hides one outside the query, which is probably a mistake."""
        if any(name in scope.names() for scope in self.scopes):
            self.report(CqlError(f"{name!r} hides another {name!r} outside this query", context), "warning")

    def _lets(self, clauses: Context, scope: Scope) -> list[nodes.LetClause]:
        found: list[nodes.LetClause] = []
        if clauses.letClause() is None:
            return found
        for item in clauses.letClause().letItem():
            name = name_of(item.identifier())
            if name in scope.aliases or name in scope.lets:
                raise CqlError(f"the name {name!r} is used twice in the query", item.identifier())
            self._warn_of_hidden(name, item.identifier())
            value = self.translate(item.expression())
            scope.lets[name] = value.type
            found.append(self._located(nodes.LetClause(identifier=name, expression=value.node), item, value.type))
        return found

    def _relation(self, clause: Context) -> nodes.RelationshipClause:
        inner = Scope()
        aliased = clause.aliasedSource()
        alias, source, _ = self._source(aliased.term(), aliased.identifier(), inner)
        with self.scope(inner):
            condition = self.boolean(clause.expression())
        kind = nodes.With if word(clause, 0) == "with" else nodes.Without
        relation: nodes.RelationshipClause = self._located(
            kind(alias=alias, expression=source.node, suchThat=condition.node), clause, source.type
        )
        return relation

    def _result(self, query: nodes.Query, scope: Scope, is_list: bool, clauses: Context, context: Context) -> CqlType:
        """Translate the result clause of a query. Returns the type of the query."""
        if clauses.aggregateClause() is not None:
            return self._aggregate(query, clauses.aggregateClause())
        clause = clauses.returnClause()
        if clause is not None:
            value = self.translate(clause.expression())
            quantifier = word(clause, 1)
            element = value.type
            query.return_ = self._located(
                nodes.ReturnClause(distinct=quantifier != "all", expression=value.node),
                clause,
                ListType(element) if is_list else element,
            )
        elif len(scope.aliases) == 1:
            element = next(iter(scope.aliases.values()))
        else:
            element = self._all_aliases(query, scope)
        return ListType(element) if is_list else element

    def _all_aliases(self, query: nodes.Query, scope: Scope) -> CqlType:
        """Set the default result of a query over several sources: a tuple of its aliases."""
        elements = []
        for alias, type_ in scope.aliases.items():
            reference = self.record_type(Typed(nodes.AliasRef(name=alias), type_))
            elements.append(nodes.TupleElement(name=alias, value=reference.node))
        type_ = TupleType(tuple(scope.aliases.items()))
        value = self.record_type(Typed(nodes.Tuple(element=elements), type_))
        query.return_ = nodes.ReturnClause(distinct=True, expression=value.node)
        return type_

    def _aggregate(self, query: nodes.Query, clause: Context) -> CqlType:
        name = name_of(clause.identifier())
        given = clause.term()
        if given is not None and type(given).__name__ not in _STARTING:
            raise CqlError("the starting value must be a literal or an expression in parentheses", given)
        starting = None if given is None else self.translate(given)
        starting, value = self.accumulated(name, starting, clause.expression(), given)
        query.aggregate = self._located(
            nodes.AggregateClause(
                identifier=name,
                expression=value.node,
                starting=starting.node,
                distinct=word(clause, 1) == "distinct",
            ),
            clause,
            value.type,
        )
        return value.type

    def accumulated(
        self, name: str, starting: Typed | None, step: Context, starting_context: Context
    ) -> tuple[Typed, Typed]:
        """The starting value of an aggregate, and its step, in which `name` is the accumulator.

        The type of the accumulator depends on the type of the step, so the step may be translated twice.
        """
        with self.retranslating(step):
            accumulator = Scope(lets={name: ANY if starting is None else starting.type})
            with self.scope(accumulator):
                value = self.translate(step)
                if starting is None and value.type != ANY:
                    accumulator.lets[name] = value.type
                    value = self.translate(step)
                elif starting is not None and value.type != starting.type:
                    common = self.common_type([starting.type, value.type])
                    starting = self.to_type(starting, common, starting_context)
                    accumulator.lets[name] = common
                    value = self.translate(step)
        if starting is None:
            starting = self.cast(Typed(nodes.Null(), ANY), value.type)
        return starting, value

    @contextmanager
    def retranslating(self, context: Context) -> Iterator[None]:
        """A block that translates an expression several times. Nesting is limited, because it multiplies the work."""
        if self._retranslations == _MOST_RETRANSLATIONS:
            raise CqlError(f"aggregates are nested more than {_MOST_RETRANSLATIONS} levels deep", context)
        self._retranslations += 1
        try:
            yield
        finally:
            self._retranslations -= 1

    # ------------------------------------------------------------------------------------------ sort

    def _sort(self, clause: Context, row: CqlType) -> nodes.SortClause:
        direction = clause.sortDirection()
        if direction is not None:
            self._check_order(row, clause)
            return nodes.SortClause(by=[nodes.ByDirection(direction=str(direction.getText()))])
        with self.scope(Scope(row=row)):
            return nodes.SortClause(by=[self._sort_item(item) for item in clause.sortItem()])

    def _sort_item(self, item: Context) -> nodes.SortByItem:
        direction = "asc" if item.sortDirection() is None else str(item.sortDirection().getText())
        key = self.translate(item.term())
        self._check_order(key.type, item)
        by: nodes.SortByItem
        if isinstance(key.node, nodes.IdentifierRef) and key.node.name != "$this":
            by = nodes.ByColumn(path=key.node.name, direction=direction)
        else:
            by = nodes.ByExpression(expression=key.node, direction=direction)
        if self.options.result_types:
            self.set_result_type(by, key.type)
        self.locate(by, item)
        return by

    def _check_order(self, type_: CqlType, context: Context) -> None:
        """Raises CqlError if values of a type cannot be compared by `<`."""
        value = Typed(nodes.Null(), type_)
        try:
            self.operator("Less", [value, value], None)
        except CqlError as error:
            if "ambiguous" not in error.message:
                message = f"cannot sort by values of type {type_}: they have no order"
                raise CqlError(message, context) from None


def _is_call(term: Context) -> bool:
    return type(term).__name__ in ("NameTermContext", "MemberTermContext") and word(term, -1) == ")"
