"""The layout of names, calls, selectors, and types."""

from __future__ import annotations

from ecqm.language.formatting.formatter import Formatter
from ecqm.language.formatting.layout import NOTHING_OR_LINE, SPACE_OR_LINE, Doc, Nest
from ecqm.language.formatting.registry import Tree, is_token, lays_out


def _from_bracket(formatter: Formatter, tree: Tree, opening: tuple[str, ...], inner: Doc, before: str = "") -> Doc:
    """The children before the first opening bracket, then the bracketed rest; `before` is written between them."""
    children = formatter.children(tree)
    at = next((at for at, child in enumerate(children) if is_token(child, *opening)), None)
    if at is None:
        return formatter.in_line(children)
    return (formatter.in_line(children[:at]), before if at else "", formatter.bracketed(children[at:], inner))


@lays_out("NameTerm")
def name_term(formatter: Formatter, tree: Tree) -> Doc:
    return _from_bracket(formatter, tree, ("(",), NOTHING_OR_LINE)


@lays_out("MemberTerm")
def member_term(formatter: Formatter, tree: Tree) -> Doc:
    source, dot, name, *call = formatter.children(tree)
    member = (formatter.doc(source), formatter.doc(dot), formatter.doc(name))
    return (member, formatter.bracketed(call)) if call else member


@lays_out("IntervalTerm")
def interval_term(formatter: Formatter, tree: Tree) -> Doc:
    return _from_bracket(formatter, tree, ("[", "("), NOTHING_OR_LINE)


@lays_out("ListTerm", "TupleTerm", "ConceptTerm")
def elements_in_braces(formatter: Formatter, tree: Tree) -> Doc:
    return _from_bracket(formatter, tree, ("{",), SPACE_OR_LINE, " ")


@lays_out("InstanceTerm")
def instance_term(formatter: Formatter, tree: Tree) -> Doc:
    type_, *elements = formatter.children(tree)
    return (formatter.doc(type_), " ", formatter.bracketed(elements, SPACE_OR_LINE))


@lays_out("Element")
def element(formatter: Formatter, tree: Tree) -> Doc:
    name, colon, value = formatter.docs(tree)
    return (name, colon, Nest((" ", value)))


@lays_out("ParenthesizedTerm")
def parenthesized_term(formatter: Formatter, tree: Tree) -> Doc:
    return formatter.bracketed(formatter.children(tree))


@lays_out("IndexerTerm")
def indexer_term(formatter: Formatter, tree: Tree) -> Doc:
    source, *index = formatter.children(tree)
    return (formatter.doc(source), formatter.bracketed(index))


@lays_out("ListType", "IntervalType", "ChoiceType")
def generic_type(formatter: Formatter, tree: Tree) -> Doc:
    children = formatter.children(tree)
    return tuple((formatter.doc(child), " ") if is_token(child, ",") else formatter.doc(child) for child in children)


@lays_out("QualifiedIdentifier", "PolarityTerm")
def without_spaces(formatter: Formatter, tree: Tree) -> Doc:
    return tuple(formatter.docs(tree))
