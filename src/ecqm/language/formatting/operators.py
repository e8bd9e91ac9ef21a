"""The layout of operators and conditions."""

from __future__ import annotations

from ecqm.language.formatting.formatter import Formatter
from ecqm.language.formatting.layout import SPACE_OR_LINE, Doc, Group, HardLine, Nest
from ecqm.language.formatting.registry import Tree, lays_out
from ecqm.language.parse_trees import rule_of


@lays_out("AndExpression", "OrExpression", "ImpliesExpression", "SetExpression", "AdditionTerm", "MultiplicationTerm")
def chain(formatter: Formatter, tree: Tree) -> Doc:
    """A chain of operators of the same kind: in one line, or broken before each of them."""
    rule = rule_of(tree)
    links: list[Doc] = []
    while rule_of(tree) == rule:
        tree, operator, operand = formatter.children(tree)
        links.append(Nest((SPACE_OR_LINE, formatter.doc(operator), " ", formatter.doc(operand))))
    return Group((formatter.doc(tree), *reversed(links)))


@lays_out("TimingExpression", "EqualityExpression", "InequalityExpression", "MembershipExpression")
def infix(formatter: Formatter, tree: Tree) -> Doc:
    left, *rest = formatter.children(tree)
    return Group((formatter.doc(left), Nest((SPACE_OR_LINE, formatter.in_line(rest)))))


@lays_out("IfTerm")
def if_term(formatter: Formatter, tree: Tree) -> Doc:
    if_, condition, then, value, else_, other = formatter.docs(tree)
    chosen = Nest((SPACE_OR_LINE, then, " ", value))
    return Group((if_, " ", condition, chosen, Nest((SPACE_OR_LINE, else_, " ", other))))


@lays_out("CaseTerm")
def case_term(formatter: Formatter, tree: Tree) -> Doc:
    *children, else_, other, end = formatter.children(tree)
    first = next(at for at, child in enumerate(children) if rule_of(child) == "CaseItem")
    lines: list[Doc] = [(HardLine(), formatter.doc(item)) for item in children[first:]]
    lines.append((HardLine(), formatter.doc(else_), " ", formatter.doc(other)))
    return (formatter.in_line(children[:first]), Nest(tuple(lines)), HardLine(), formatter.doc(end))


@lays_out("CaseItem")
def case_item(formatter: Formatter, tree: Tree) -> Doc:
    when, condition, then, value = formatter.docs(tree)
    return Group((when, " ", condition, Nest((SPACE_OR_LINE, then, " ", value))))
