"""The layout of queries: each clause on its own line, unless the query fits in one."""

from __future__ import annotations

from ecqm.language.formatting.formatter import Formatter
from ecqm.language.formatting.layout import SPACE_OR_LINE, Doc, Group, Nest
from ecqm.language.formatting.registry import Tree, lays_out


@lays_out("TermExpression")
def term_expression(formatter: Formatter, tree: Tree) -> Doc:
    source, *query = formatter.children(tree)
    if not query:
        return formatter.doc(source)
    alias, clauses = formatter.children(query[0])
    return Group((formatter.doc(source), " ", formatter.doc(alias), _clauses(formatter, clauses)))


@lays_out("MultiSourceExpression")
def multi_source_expression(formatter: Formatter, tree: Tree) -> Doc:
    from_, *sources, clauses = formatter.children(tree)
    listed = Group((formatter.doc(from_), Nest((SPACE_OR_LINE, formatter.separated_by_commas(sources)))))
    return Group((listed, _clauses(formatter, clauses)))


def _clauses(formatter: Formatter, tree: Tree) -> Doc:
    return Nest(tuple((SPACE_OR_LINE, clause) for clause in formatter.docs(tree)))


@lays_out("RelationClause")
def relation_clause(formatter: Formatter, tree: Tree) -> Doc:
    with_, source, such_that, condition = formatter.docs(tree)
    return Group((with_, " ", source, Nest((SPACE_OR_LINE, such_that, " ", condition))))


@lays_out("WhereClause")
def where_clause(formatter: Formatter, tree: Tree) -> Doc:
    where, condition = formatter.docs(tree)
    return (where, " ", condition)


@lays_out("ReturnClause")
def return_clause(formatter: Formatter, tree: Tree) -> Doc:
    *words, value = formatter.children(tree)
    return (formatter.in_line(words), Nest((" ", formatter.doc(value))))


@lays_out("LetClause")
def let_clause(formatter: Formatter, tree: Tree) -> Doc:
    let, *items = formatter.children(tree)
    return Group((formatter.doc(let), " ", Nest(formatter.separated_by_commas(items))))
