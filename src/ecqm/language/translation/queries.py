"""Queries (Author's Guide, Queries)."""

from __future__ import annotations

from ecqm.elm import nodes
from ecqm.language.common_types import common_type
from ecqm.language.diagnostics import TranslationError
from ecqm.language.parse_trees import Context, rule_of, word
from ecqm.language.symbols import Scope
from ecqm.language.translation.core import Translator
from ecqm.language.translation.names import dotted_name, name_of
from ecqm.language.translation.registry import Typed, translates
from ecqm.types import ANY, CqlType, ListType, TupleType

_STARTING = ("StringTerm", "NumberTerm", "ParenthesizedTerm")


@translates("TermExpression")
def term_expression(translator: Translator, context: Context) -> Typed:
    tail = context.queryTail()
    if tail is None:
        return translator.translate(context.term())
    return _query(translator, [(context.term(), tail.identifier())], tail.queryClauses(), context)


@translates("MultiSourceExpression")
def multi_source_expression(translator: Translator, context: Context) -> Typed:
    sources = [(source.term(), source.identifier()) for source in context.aliasedSource()]
    return _query(translator, sources, context.queryClauses(), context)


def _query(translator: Translator, sources: list[tuple[Context, Context]], clauses: Context, context: Context) -> Typed:
    scope = Scope()
    elm_sources: list[nodes.AliasedQuerySource] = []
    is_list = False
    for term, alias_context in sources:
        alias, source, source_is_list = _source(translator, term, alias_context, scope)
        is_list = is_list or source_is_list
        elm_sources.append(
            translator.described(nodes.AliasedQuerySource(alias=alias, expression=source.node), term, source.type)
        )
    query = nodes.Query(source=elm_sources)
    with translator.scope(scope):
        query.let = _lets(translator, clauses, scope)
        query.relationship = [_relation(translator, clause) for clause in clauses.relationClause()]
        where = clauses.whereClause()
        if where is not None:
            query.where = translator.boolean(where.expression()).node
        type_ = _result(translator, query, scope, is_list, clauses, context)
    sort = clauses.sortClause()
    if sort is not None:
        if not isinstance(type_, ListType):
            raise TranslationError("only a query over lists can be sorted", sort)
        query.sort = _sort(translator, sort, type_.element)
    return Typed(query, type_)


def _source(translator: Translator, term: Context, alias_context: Context, scope: Scope) -> tuple[str, Typed, bool]:
    """Translate a source and add its alias to the scope: (alias, source, whether it is a list)."""
    if not _is_source(term):
        raise TranslationError("a query source must be a retrieve, a name, or an expression in parentheses", term)
    source = translator.translate(term)
    alias = name_of(alias_context)
    if alias in scope.aliases:
        raise TranslationError(f"the alias {alias!r} is used twice", alias_context)
    _warn_of_hidden(translator, alias, alias_context)
    is_list = isinstance(source.type, ListType)
    scope.aliases[alias] = source.type.element if isinstance(source.type, ListType) else source.type
    return alias, source, is_list


def _warn_of_hidden(translator: Translator, name: str, context: Context) -> None:
    """Warn if a name hides one outside the query, which is probably a mistake."""
    if any(name in scope.names() for scope in translator.scopes):
        translator.report(TranslationError(f"{name!r} hides another {name!r} outside this query", context), "warning")


def _lets(translator: Translator, clauses: Context, scope: Scope) -> list[nodes.LetClause]:
    found: list[nodes.LetClause] = []
    if clauses.letClause() is None:
        return found
    for item in clauses.letClause().letItem():
        name = name_of(item.identifier())
        if name in scope.aliases or name in scope.lets:
            raise TranslationError(f"the name {name!r} is used twice in the query", item.identifier())
        _warn_of_hidden(translator, name, item.identifier())
        value = translator.translate(item.expression())
        scope.lets[name] = value.type
        found.append(translator.described(nodes.LetClause(identifier=name, expression=value.node), item, value.type))
    return found


def _relation(translator: Translator, clause: Context) -> nodes.RelationshipClause:
    inner = Scope()
    aliased = clause.aliasedSource()
    alias, source, _ = _source(translator, aliased.term(), aliased.identifier(), inner)
    with translator.scope(inner):
        condition = translator.boolean(clause.expression())
    kind = nodes.With if word(clause, 0) == "with" else nodes.Without
    relation = kind(alias=alias, expression=source.node, suchThat=condition.node)
    return translator.described(relation, clause, source.type)


def _result(
    translator: Translator, query: nodes.Query, scope: Scope, is_list: bool, clauses: Context, context: Context
) -> CqlType:
    """Translate the result clause of a query. Returns the type of the query."""
    if clauses.aggregateClause() is not None:
        return _aggregate(translator, query, clauses.aggregateClause())
    clause = clauses.returnClause()
    if clause is not None:
        value = translator.translate(clause.expression())
        quantifier = word(clause, 1)
        element = value.type
        query.return_ = translator.described(
            nodes.ReturnClause(distinct=quantifier != "all", expression=value.node),
            clause,
            ListType(element) if is_list else element,
        )
    elif len(scope.aliases) == 1:
        element = next(iter(scope.aliases.values()))
    else:
        element = _all_aliases(translator, query, scope)
    return ListType(element) if is_list else element


def _all_aliases(translator: Translator, query: nodes.Query, scope: Scope) -> CqlType:
    """Set the default result of a query over several sources: a tuple of its aliases."""
    elements = []
    for alias, type_ in scope.aliases.items():
        reference = translator.typed(nodes.AliasRef(name=alias), type_)
        elements.append(nodes.TupleElement(name=alias, value=reference.node))
    type_ = TupleType(tuple(scope.aliases.items()))
    value = translator.typed(nodes.Tuple(element=elements), type_)
    query.return_ = nodes.ReturnClause(distinct=True, expression=value.node)
    return type_


def _aggregate(translator: Translator, query: nodes.Query, clause: Context) -> CqlType:
    name = name_of(clause.identifier())
    given = clause.term()
    if given is not None and rule_of(given) not in _STARTING:
        raise TranslationError("the starting value must be a literal or an expression in parentheses", given)
    starting = None if given is None else translator.translate(given)
    starting, value = accumulated(translator, name, starting, clause.expression(), given)
    query.aggregate = translator.described(
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
    translator: Translator, name: str, starting: Typed | None, step: Context, starting_context: Context
) -> tuple[Typed, Typed]:
    """The starting value of an aggregate, and its step, in which `name` is the accumulator.

    The type of the accumulator depends on the type of the step, so the step may be translated twice.
    """
    with translator.retranslating(step):
        accumulator = Scope(lets={name: ANY if starting is None else starting.type})
        with translator.scope(accumulator):
            value = translator.translate(step)
            if starting is None and value.type != ANY:
                accumulator.lets[name] = value.type
                value = translator.translate(step)
            elif starting is not None and value.type != starting.type:
                common = common_type([starting.type, value.type], translator.models)
                starting = translator.to_type(starting, common, starting_context)
                accumulator.lets[name] = common
                value = translator.translate(step)
    if starting is None:
        starting = translator.null(value.type)
    return starting, value


# -- sort -------------------------------------------------------------------------------------------------------------


def _sort(translator: Translator, clause: Context, row: CqlType) -> nodes.SortClause:
    direction = clause.sortDirection()
    if direction is not None:
        _check_order(translator, row, clause)
        return nodes.SortClause(by=[nodes.ByDirection(direction=str(direction.getText()))])
    with translator.scope(Scope(row=row)):
        return nodes.SortClause(by=[_sort_item(translator, item) for item in clause.sortItem()])


def _sort_item(translator: Translator, item: Context) -> nodes.SortByItem:
    direction = "asc" if item.sortDirection() is None else str(item.sortDirection().getText())
    key = translator.translate(item.term())
    _check_order(translator, key.type, item)
    by: nodes.SortByItem
    if isinstance(key.node, nodes.IdentifierRef) and key.node.name != "$this":
        by = nodes.ByColumn(path=key.node.name, direction=direction)
    else:
        by = nodes.ByExpression(expression=key.node, direction=direction)
    return translator.described(by, item, key.type)


def _check_order(translator: Translator, type_: CqlType, context: Context) -> None:
    """Raises TranslationError if values of a type cannot be compared by `<`."""
    value = Typed(nodes.Null(), type_)
    try:
        translator.operator("Less", [value, value], None)
    except TranslationError as error:
        if "ambiguous" not in error.message:
            message = f"cannot sort by values of type {type_}: they have no order"
            raise TranslationError(message, context) from None


def _is_source(term: Context) -> bool:
    """Whether a term is what the grammar allows as the source of a query (Author's Guide, Queries)."""
    return rule_of(term) in ("RetrieveTerm", "ParenthesizedTerm") or dotted_name(term) is not None
