"""The notation of the case files: one call of an operator and its result per line, values written as in CQL.

Add(1, 2.5) = 3.5
DurationBetween(@2014-01-15, @2014-02; precision=day) = Uncertain[17, 44]
Length(null as List<Integer>) = 0          # `as` gives a null its static type
SingletonFrom({1, 2}) raises
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from ecqm.operators import registry
from ecqm.operators.dispatch import type_of
from ecqm.types import CqlType, ListType, parse_type
from ecqm.values import (
    Code,
    CodeSystem,
    Concept,
    Interval,
    Long,
    Quantity,
    Ratio,
    Tuple,
    Uncertainty,
    ValueSet,
)
from ecqm.values.text import parse_date, parse_datetime, parse_time
from ecqm.values.units import CALENDAR_UNITS

_TOKEN = re.compile(
    r"\s*(?:(?P<time>@T[0-9:.]+)"
    r"|(?P<datetime>@\d{4}(?:-\d\d(?:-\d\d)?)?T(?:[0-9:.]+(?:Z|[+-]\d\d:\d\d)?)?)"
    r"|(?P<date>@\d{4}(?:-\d\d(?:-\d\d)?)?)"
    r"|(?P<number>-?\d+(?:\.\d+)?L?)"
    r"|(?P<string>'(?:[^'\\]|\\.)*')"
    r"|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<mark>[()\[\]{},;:=<>]))",
    re.DOTALL,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "f": "\f"}
RAISES = object()


@dataclass(frozen=True, slots=True)
class Typed:
    """A null with the static type it has in the expression."""

    type: CqlType


@dataclass(slots=True)
class Case:
    """One line of a case file."""

    line: str
    operator: str
    operands: list[Any]
    attributes: dict[str, Any]
    expected: Any
    origin: str = ""

    def evaluate(self) -> Any:
        """Call the operator, by static types where the case gives one, else by the kinds of the values."""
        found = registry.get(self.operator)
        values = [_value(operand) for operand in self.operands]
        types = [_static_type(operand) for operand in self.operands]
        if types == [type_of(value) for value in values]:
            return found.call(*values, **self.attributes)
        overload = found.resolve(types)
        assert overload is not None, f"{self.operator} has no overload for {types}"
        return overload.scalar(*values, **self.attributes)


def _value(operand: Any) -> Any:
    if isinstance(operand, tuple):
        return tuple(map(_value, operand))
    return None if isinstance(operand, Typed) else operand


def _static_type(operand: Any) -> CqlType:
    if isinstance(operand, tuple) and any(isinstance(element, Typed) for element in operand):
        return ListType(next(element.type for element in operand if isinstance(element, Typed)))
    return operand.type if isinstance(operand, Typed) else type_of(operand)


def read_cases(path: Path) -> list[Case]:
    """The cases of a file; empty lines and lines that begin with # are for readers."""
    cases = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            case = _Reader(line).case()
            case.origin = f"{path.stem}:{number}"
            cases.append(case)
    return cases


def is_identical(a: Any, b: Any) -> bool:
    """Whether two values are the same down to the type of every part; decimals by value, since 1.0 is 1.00."""
    if type(a) is not type(b):
        return isinstance(a, tuple | list) and isinstance(b, tuple | list) and _identical_parts(a, b)
    match a:
        case tuple() | list():
            return _identical_parts(a, b)
        case Quantity():
            return bool(a.value == b.value) and a.unit == b.unit
        case Interval() | Uncertainty():
            same_ends = all(getattr(a, end, None) == getattr(b, end, None) for end in ("low_closed", "high_closed"))
            return same_ends and is_identical(a.low, b.low) and is_identical(a.high, b.high)
        case Tuple():
            return a.keys() == b.keys() and all(is_identical(a[name], b[name]) for name in a)
    return bool(a == b)


def _identical_parts(a: Any, b: Any) -> bool:
    return len(a) == len(b) and all(map(is_identical, a, b))


@dataclass
class _Reader:
    text: str
    at: int = 0
    constructors: dict[str, Callable[..., Any]] = field(
        default_factory=lambda: {
            "Code": Code,
            "Concept": lambda *codes: Concept(codes),
            "Ratio": Ratio,
            "ValueSet": ValueSet,
            "CodeSystem": CodeSystem,
        }
    )

    def case(self) -> Case:
        line = self.text.strip()
        operator = self._take("name")
        operands, attributes = self._arguments()
        if self._peek("raises"):
            expected: Any = RAISES
        else:
            self._expect("=")
            expected = self.value()
        rest = self.text[self.at :].strip()
        assert rest in ("", "raises") or rest.startswith("#"), f"{rest!r} is left over in {line!r}"
        return Case(line, operator, operands, attributes, expected)

    def _arguments(self) -> tuple[list[Any], dict[str, Any]]:
        operands: list[Any] = []
        attributes: dict[str, Any] = {}
        self._expect("(")
        while not self._peek(")") and not self._peek(";"):
            operands.append(self.value())
            if not self._peek(")") and not self._peek(";"):
                self._expect(",")
        if self._peek(";"):
            self._expect(";")
            while not self._peek(")"):
                name = self._take("name")
                self._expect("=")
                attributes[name] = self._attribute(name)
                if self._peek(","):
                    self._expect(",")
        self._expect(")")
        return operands, attributes

    def _attribute(self, name: str) -> Any:
        if name in ("to", "of"):
            return self._type()
        return self._take("name") if not self._peek("true") and not self._peek("false") else self.value()

    def _type(self) -> CqlType:
        start, depth = self.at, 0
        while self.at < len(self.text):
            character = self.text[self.at]
            if depth == 0 and character in ",;)}" and self.at > start:
                break
            depth += (character in "<{") - (character in ">}")
            self.at += 1
        return parse_type(self.text[start : self.at].split("#")[0].strip())

    def value(self) -> Any:
        kind, token = self._next()
        match kind:
            case "time":
                return parse_time(token)
            case "datetime":
                return parse_datetime(token)
            case "date":
                return parse_date(token)
            case "string":
                return _unquoted(token)
            case "number":
                return self._number(token)
            case "mark" if token == "{":
                return self._list()
            case "name":
                return self._named(token)
        raise ValueError(f"{token!r} at {self.at} of {self.text!r}")

    def _number(self, token: str) -> Any:
        if token.endswith("L"):
            return Long(token[:-1])
        matched = _TOKEN.match(self.text, self.at)
        if matched and matched["string"]:
            self.at = matched.end()
            return Quantity(Decimal(token), _unquoted(matched["string"]))
        if matched and matched["name"] in CALENDAR_UNITS:
            self.at = matched.end()
            return Quantity(Decimal(token), matched["name"])
        return Decimal(token) if "." in token else int(token)

    def _list(self) -> tuple[Any, ...]:
        elements = []
        while not self._peek("}"):
            elements.append(self.value())
            if self._peek(","):
                self._expect(",")
        self._expect("}")
        return tuple(elements)

    def _named(self, name: str) -> Any:
        match name:
            case "null" if self._peek("as"):
                self._take("name")
                return Typed(self._type())
            case "null":
                return None
            case "true" | "false":
                return name == "true"
            case "Interval" | "Uncertain":
                low_closed = self._next()[1] == "["
                low = self.value()
                self._expect(",")
                high = self.value()
                high_closed = self._next()[1] == "]"
                return Uncertainty(low, high) if name == "Uncertain" else Interval(low, high, low_closed, high_closed)
            case "Tuple":
                return self._tuple()
        operands, _ = self._arguments()
        return self.constructors[name](*operands)

    def _tuple(self) -> Tuple:
        elements = {}
        self._expect("{")
        while not self._peek("}"):
            name = self._take("name")
            self._expect(":")
            elements[name] = self.value()
            if self._peek(","):
                self._expect(",")
        self._expect("}")
        return Tuple(elements)

    def _next(self) -> tuple[str, str]:
        matched = _TOKEN.match(self.text, self.at)
        if matched is None or matched.lastgroup is None:
            raise ValueError(f"cannot read {self.text[self.at :]!r} of {self.text!r}")
        self.at = matched.end()
        return matched.lastgroup, matched[matched.lastgroup]

    def _peek(self, token: str) -> bool:
        matched = _TOKEN.match(self.text, self.at)
        return matched is not None and matched[0].strip() == token

    def _expect(self, token: str) -> None:
        kind, found = self._next()
        if found != token:
            raise ValueError(f"expected {token!r}, found {kind} {found!r} in {self.text!r}")

    def _take(self, kind: str) -> str:
        found, token = self._next()
        if found != kind:
            raise ValueError(f"expected a {kind}, found {token!r} in {self.text!r}")
        return token


def _unquoted(token: str) -> str:
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), token[1:-1], flags=re.DOTALL)
