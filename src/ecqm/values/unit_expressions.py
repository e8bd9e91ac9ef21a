"""The syntax of UCUM's unit expressions, such as `mg/dL`, `10*3/uL` and `kg.m/s2` (ucum.org, "Grammar of Units
and Unit Terms").

The parser knows no units: `factors_of` returns symbols with their exponents, and `ecqm.values.units` their meaning.
"""

from __future__ import annotations

# A symbol (an atom with its prefix, if any) or a whole number, with its exponent, which is negative below a fraction.
Factor = tuple[str, int]

# Units come from patients' data. A longer text is no unit, however well it follows the grammar.
_LONGEST_UNIT = 200


class UnitSyntaxError(ValueError):
    """Text that is not a unit expression."""


def factors_of(unit: str) -> list[Factor]:
    """The symbols of a unit expression with their exponents, in the order in which they are written; an annotation in
    place of a symbol (`{beats}/min`) is the symbol `1`. Raises UnitSyntaxError."""
    if len(unit) > _LONGEST_UNIT:
        raise UnitSyntaxError(f"a text of {len(unit)} characters is not a unit")
    parser = _UnitParser(unit)
    factors = parser.term(1)
    parser.expect_end()
    return factors


def is_digits(text: str) -> bool:
    """Whether `text` has digits of ASCII alone: the superscript of `m²` is a digit to Python, too."""
    return text.isascii() and text.isdigit()


class _UnitParser:
    """A recursive-descent parser over `text`; `at` is the position of the next character. `sign` is -1 for what is
    inside a divisor."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def term(self, sign: int) -> list[Factor]:
        """Components with `.` or `/` between them, of which the first may follow a `/`."""
        factors: list[Factor] = []
        direction = sign
        if self._peek() == "/":
            direction = -sign
            self.at += 1
        while True:
            factors += self._component(direction)
            operator = self._peek()
            if operator not in (".", "/"):
                return factors
            direction = sign if operator == "." else -sign
            self.at += 1

    def expect_end(self) -> None:
        if self._peek():
            raise UnitSyntaxError(f"{self.text!r} is not a unit: {self.text[self.at :]!r} is left over")

    def _component(self, sign: int) -> list[Factor]:
        if self._peek() == "{":
            self._skip_annotations()
            return [("1", sign)]
        if self._peek() == "(":
            self.at += 1
            inside = self.term(sign)
            if self._peek() != ")":
                raise UnitSyntaxError(f"{self.text!r} is not a unit: a parenthesis is not closed")
            self.at += 1
            exponent = self._exponent()
        else:
            symbol = self._symbol()
            inside = [(symbol, sign)]
            exponent = 1 if is_digits(symbol) else self._exponent()  # a whole number has none
        self._skip_annotations()
        return [(symbol, n * exponent) for symbol, n in inside]

    def _symbol(self) -> str:
        start = self.at
        if is_digits(self._peek()):
            self._skip_digits()
            if self.text[start : self.at] == "10" and self._peek() in ("*", "^"):
                self.at += 1
        else:
            self._skip_symbol()
        if self.at == start:
            raise UnitSyntaxError(f"{self.text!r} is not a unit")
        return self.text[start : self.at]

    def _skip_symbol(self) -> None:
        """Skip characters up to the next that cannot be part of a symbol; between brackets, all can."""
        depth = 0
        while character := self._peek():
            depth += (character == "[") - (character == "]")
            if depth == 0 and character in "./(){}+-0123456789":
                break
            self.at += 1
        if depth:
            raise UnitSyntaxError(f"{self.text!r} is not a unit: a bracket is not closed")

    def _exponent(self) -> int:
        """The exponent written here; 1 if there is none."""
        start = self.at
        if self._peek() in ("+", "-") and is_digits(self.text[self.at + 1 : self.at + 2]):
            self.at += 1
        self._skip_digits()
        return int(self.text[start : self.at]) if self.at > start else 1

    def _skip_digits(self) -> None:
        while is_digits(self._peek()):
            self.at += 1

    def _skip_annotations(self) -> None:
        while self._peek() == "{":
            end = self.text.find("}", self.at)
            if end < 0:
                raise UnitSyntaxError(f"{self.text!r} is not a unit: an annotation is not closed")
            self.at = end + 1
