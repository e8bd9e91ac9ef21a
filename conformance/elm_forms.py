"""ELM in a form in which equal logic is equal, however a translator writes it.

Local ids, locators, annotations and result types are left out. Each way in which equal logic is written differently is
a normalization with a name, which a form applies or not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ecqm.elm import nodes
from ecqm.elm.nodes.base import fields

Form = tuple[Any, ...]

NORMALIZATIONS = {
    "signatures": "an operator or call records the operand types of its overload, or does not",
    "choice order": "the alternatives of a choice type are a set",
    "union order": "nested unions of lists are one union of all their operands, in any order",
    "alias access": "an element of an alias by `scope`, or by a source that is an AliasRef",
    "null cast": "a null is cast to the type wanted of it, or left bare",
    "named cast": "As and Is name their type in an attribute, or in a specifier",
    "include path": "a library is included by its name, or by its name and namespace",
    "alias names": "a query that the translator makes up names its aliases in its own way",
    "value set twice": "a value set or code system is given once, or once more as an expression",
    "point promotion": "a point is compared with an interval as it is, or made an interval of itself first",
    "interval folding": "a bound of an interval that was just selected is taken from the selector",
    "case order": "the items of a Case that tests types, in any order",
    "choice cast": "a value is cast to a choice that its type belongs to, or used as it is",
    "list type": "a list selector names the type of its elements, or only its operand does",
    "literal spelling": "a Decimal is written with or without zeros at its end, a quantity with or without the unit 1",
    "dotted path": "an element of an element by a path with a dot, or by two properties",
    "null element": "a list, interval or tuple of nulls is cast as a whole, part by part, or not at all",
}


@dataclass
class Normalizer:
    """Turns nodes into comparable forms, with some normalizations applied."""

    enabled: frozenset[str]
    aliases: list[dict[str, str]] = field(default_factory=list)

    def __call__(self, node: Any) -> Any:
        """The form of a node, of a list of them, or of the value of an attribute."""
        if isinstance(node, nodes.Node):
            return self._node(node)
        if isinstance(node, list):
            return tuple(self(part) for part in node)
        return node

    def _node(self, node: nodes.Node) -> Form:
        special: Callable[[Any], Form] | None = getattr(self, f"_{type(node).__name__}", None)
        return special(node) if special is not None else self._plain(node)

    def _plain(self, node: nodes.Node, **replaced: Any) -> Form:
        """The attributes that say something, each by its name; `replaced` has some of them in another form."""
        form: list[Any] = [type(node).__name__]
        for declared in fields(type(node)):
            name = declared.name
            if declared.kind == "raw" or name in ("localId", "locator", "resultTypeName", "resultTypeSpecifier"):
                continue
            if name == "signature" and not isinstance(node, nodes.FunctionRef) and "signatures" in self.enabled:
                continue
            value = replaced[name] if name in replaced else getattr(node, name)
            if value is None or value == [] or value == declared.default:
                continue
            form.append((name, self(value)))
        return tuple(form)

    def _ChoiceTypeSpecifier(self, node: nodes.ChoiceTypeSpecifier) -> Form:
        parts = [self(part) for part in node.choice]
        if "choice order" in self.enabled:
            parts = sorted(set(parts), key=repr)
        return ("ChoiceTypeSpecifier", tuple(parts))

    def _If(self, node: nodes.If) -> Any:
        if "point promotion" in self.enabled and isinstance(node.condition, nodes.IsNull):
            interval = node.else_
            if isinstance(interval, nodes.Interval) and isinstance(node.then, nodes.Null):
                low, high, tested = self(interval.low), self(interval.high), self(node.condition.operand)
                if low == high == tested:
                    return self(interval.low)
        return self._plain(node)

    def _Interval(self, node: nodes.Interval) -> Form:
        if "interval folding" not in self.enabled:
            return self._plain(node)
        replaced: dict[str, Any] = {}
        for name in ("lowClosed", "highClosed"):
            closed = getattr(node, f"{name}Expression")
            if isinstance(closed, nodes.Property) and isinstance(closed.source, nodes.Interval):
                replaced[name] = getattr(closed.source, name)
                replaced[f"{name}Expression"] = None
        return self._plain(node, **replaced)

    def _List(self, node: nodes.List) -> Form:
        return self._plain(node, typeSpecifier=None) if "list type" in self.enabled else self._plain(node)

    def _Literal(self, node: nodes.Literal) -> Form:
        if "literal spelling" in self.enabled and (node.valueType or "").endswith("}Decimal"):
            return self._plain(node, value=str(Decimal(node.value or "0").normalize()))
        return self._plain(node)

    def _Quantity(self, node: nodes.Quantity) -> Form:
        if "literal spelling" in self.enabled and node.unit == "1":
            return self._plain(node, unit=None)
        return self._plain(node)

    def _Property(self, node: nodes.Property) -> Any:
        if "dotted path" in self.enabled and "." in (node.path or ""):
            before, _, last = node.path.rpartition(".")
            inner = nodes.Property(path=before, scope=node.scope, source=node.source)
            return self(nodes.Property(path=last, source=inner))
        if "interval folding" in self.enabled and isinstance(node.source, nodes.Interval):
            bound = getattr(node.source, node.path) if node.path in ("low", "high") else None
            if bound is not None:
                return self(bound)
        if "alias access" in self.enabled and isinstance(node.source, nodes.AliasRef):
            return self._plain(node, source=None, scope=self._alias(node.source.name))
        return self._plain(node, scope=None if node.scope is None else self._alias(node.scope))

    def _alias(self, name: str) -> str:
        for scope in reversed(self.aliases):
            if name in scope:
                return scope[name]
        return name

    def _AliasRef(self, node: nodes.AliasRef) -> Form:
        return self._plain(node, name=self._alias(node.name))

    def _QueryLetRef(self, node: nodes.QueryLetRef) -> Form:
        return self._plain(node, name=self._alias(node.name))

    def _LetClause(self, node: nodes.LetClause) -> Form:
        return self._plain(node, identifier=self._alias(node.identifier))

    def _AliasedQuerySource(self, node: nodes.AliasedQuerySource) -> Form:
        return self._plain(node, alias=self._alias(node.alias))

    _With = _Without = _AliasedQuerySource

    def _Query(self, node: nodes.Query) -> Any:
        if "null element" in self.enabled and _casts_elements(node):
            source = self(node.source[0].expression)
            if _holds_nulls(source):
                return source
        if "alias names" not in self.enabled:
            return self._plain(node)
        names = [source.alias for source in (*node.source, *node.relationship)]
        names += [let.identifier for let in node.let]
        depth = len(self.aliases)
        self.aliases.append({name: f"{depth}.{at}" for at, name in enumerate(names)})
        try:
            return self._plain(node)
        finally:
            self.aliases.pop()

    def _InValueSet(self, node: nodes.InValueSet) -> Form:
        if "value set twice" in self.enabled and node.valueset is not None:
            return self._plain(node, valuesetExpression=None)
        return self._plain(node)

    def _InCodeSystem(self, node: nodes.InCodeSystem) -> Form:
        if "value set twice" in self.enabled and node.codesystem is not None:
            return self._plain(node, codesystemExpression=None)
        return self._plain(node)

    def _Union(self, node: nodes.Union) -> Form:
        if "union order" not in self.enabled:
            return self._plain(node)
        operands = [self(operand) for operand in _union_operands(node)]
        distinct = sorted(set(operands), key=repr)
        return distinct[0] if len(distinct) == 1 else ("Union", tuple(distinct))

    def _As(self, node: nodes.As) -> Any:
        operand = self(node.operand)
        if "null cast" in self.enabled and operand == ("Null",):
            return operand
        if "null element" in self.enabled and _holds_nulls(operand):
            return operand
        if "choice cast" in self.enabled and isinstance(node.asTypeSpecifier, nodes.ChoiceTypeSpecifier):
            return operand
        if "named cast" in self.enabled and node.asType is not None:
            return self._plain(node, asType=None, asTypeSpecifier=nodes.NamedTypeSpecifier(name=node.asType))
        return self._plain(node)

    def _Is(self, node: nodes.Is) -> Form:
        if "named cast" in self.enabled and node.isType is not None:
            return self._plain(node, isType=None, isTypeSpecifier=nodes.NamedTypeSpecifier(name=node.isType))
        return self._plain(node)

    def _Null(self, node: nodes.Null) -> Form:
        return ("Null",) if "null cast" in self.enabled else self._plain(node)

    def _IncludeDef(self, node: nodes.IncludeDef) -> Form:
        if "include path" in self.enabled:
            return self._plain(node, path=node.path.rpartition("/")[2])
        return self._plain(node)

    def _Case(self, node: nodes.Case) -> Form:
        items = [self(item) for item in node.caseItem]
        if "case order" in self.enabled and all(isinstance(item.when, nodes.Is) for item in node.caseItem):
            items = sorted(set(items), key=repr)
        return ("Case", self(node.comparand), tuple(items), self(node.else_))


def _union_operands(node: nodes.Expression) -> Iterator[nodes.Expression]:
    """The operands of nested unions of lists; casts to lists of choices, which only serve the union, are left out."""
    if isinstance(node, nodes.Union):
        for operand in node.operand:
            yield from _union_operands(operand)
    elif isinstance(node, nodes.As) and _is_list_of_choice(node.asTypeSpecifier):
        yield from _union_operands(node.operand)
    else:
        yield node


def _casts_elements(query: nodes.Query) -> bool:
    """Whether a query only casts the elements of a list."""
    plain = len(query.source) == 1 and not (query.let or query.relationship or query.where or query.sort)
    cast = None if query.return_ is None else query.return_.expression
    return plain and isinstance(cast, nodes.As) and isinstance(cast.operand, nodes.AliasRef)


def _holds_nulls(form: Form) -> bool:
    """Whether a form is a list or an interval that holds nothing but nulls."""
    parts = dict(form[1:]) if form[0] in ("List", "Interval") else None
    if parts is None:
        return False
    held = parts.get("element", ()) if form[0] == "List" else (parts.get("low"), parts.get("high"))
    return all(part == ("Null",) for part in held)


def _is_list_of_choice(specifier: nodes.TypeSpecifier | None) -> bool:
    return isinstance(specifier, nodes.ListTypeSpecifier) and isinstance(
        specifier.elementType, nodes.ChoiceTypeSpecifier
    )


def first_difference(ours: Any, theirs: Any, path: str = "") -> tuple[str, Any, Any] | None:
    """Where two forms first differ: (path, ours, theirs)."""
    if ours == theirs:
        return None
    if isinstance(ours, tuple) and isinstance(theirs, tuple) and ours and theirs:
        if isinstance(ours[0], str) and isinstance(theirs[0], str):
            if ours[0] != theirs[0]:
                return path, ours, theirs
            path = f"{path}/{ours[0]}"
        if len(ours) == len(theirs):
            for ours_part, theirs_part in zip(ours, theirs, strict=True):
                found = first_difference(ours_part, theirs_part, path)
                if found is not None:
                    return found
    return path, ours, theirs
