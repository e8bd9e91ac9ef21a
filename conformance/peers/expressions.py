"""Random expressions of the System types, to be evaluated by several engines.

    python conformance/peers/expressions.py --seed 1 --count 20

An expression is a form (expression_forms.py) of literals and of other expressions. It is made together with others of
the same shape, which differ in their literals alone: `in_columns` evaluates all of them as the rows of one query.
A seed gives the same expressions again, with the same version of the forms.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from expression_forms import EXACT, LITERALS, Form, forms
from runners import runner_parser

# How many shapes of a hundred have a form within a form, and literals of a hundred are null.
NESTED, NULLS = 35, 12


@dataclass(frozen=True)
class Node:
    """An expression: a `form` of `operands`; without a form, the place of a literal of `type`."""

    type: str
    form: Form | None = None
    operands: tuple[Node, ...] = ()

    def places(self) -> Iterator[Node]:
        """The places of literals, in the order of their occurrence."""
        if self.form is None:
            yield self
        for operand in self.operands:
            yield from operand.places()

    def write(self, texts: Iterator[str]) -> str:
        """CQL with the next of `texts` at each place."""
        if self.form is None:
            return next(texts)
        return self.form.cql.format(*(operand._written(texts) for operand in self.operands))

    def _written(self, texts: Iterator[str]) -> str:
        text = self.write(texts)
        return text if self.form is None else f"({text})"


@dataclass(frozen=True)
class Expression:
    """CQL of a `form`, and the expressions that are its operands, in so far as they are no literals."""

    cql: str
    form: Form
    parts: tuple[Expression, ...] = ()

    def all(self) -> Iterator[Expression]:
        """The parts, and then the expression."""
        for part in self.parts:
            yield from part.all()
        yield self


@dataclass(frozen=True)
class Shape:
    """Expressions that differ only in their literals: `rows` has the literals of each."""

    node: Node
    rows: tuple[tuple[str, ...], ...]

    def expressions(self) -> list[Expression]:
        return [_expression(self.node, iter(row)) for row in self.rows]

    def in_columns(self, numbers: Sequence[int]) -> str:
        """A query with one element for each of the rows with these `numbers`: its value there."""
        tuples = [", ".join(f"v{i}: {text}" for i, text in enumerate(self.rows[number])) for number in numbers]
        value = self.node.write(iter([f"Row.v{i}" for i in range(len(self.rows[0]))]))
        return f"({{ {', '.join(f'Tuple {{ {each} }}' for each in tuples)} }}) Row return all ({value})"


def _expression(node: Node, row: Iterator[str]) -> Expression:
    assert node.form is not None
    texts, parts = [], []
    for operand in node.operands:
        if operand.form is None:
            texts.append(next(row))
        else:
            parts.append(_expression(operand, row))
            texts.append(f"({parts[-1].cql})")
    return Expression(node.form.cql.format(*texts), node.form, tuple(parts))


def _null(type_: str) -> str:
    return f"(null as {type_.replace('count', 'Integer')})"


class Writer:
    """Makes shapes by chance: every form in turn, with operands that are literals, or at times forms themselves."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._forms = forms()
        self._by_result: dict[str, list[Form]] = defaultdict(list)
        for form in self._forms:
            self._by_result[form.result].append(form)

    def shapes(self, count: int, rows: int) -> Iterator[Shape]:
        """`count` shapes of up to `rows` expressions each."""
        waiting: list[Form] = []
        for _ in range(count):
            if not waiting:
                waiting = self._random.sample(self._forms, len(self._forms))
            node = self._node(waiting.pop(), 2 if self._of_hundred(NESTED) else 1)
            places = list(node.places())
            written = [tuple(self.literal(place.type) for place in places) for _ in range(rows)]
            yield Shape(node, tuple(dict.fromkeys(written)))

    def _of_hundred(self, share: int) -> bool:
        return self._random.randrange(100) < share

    def _node(self, form: Form, depth: int) -> Node:
        return Node(form.result, form, tuple(self._operand(type_, depth - 1) for type_ in form.operands))

    def _operand(self, type_: str, depth: int) -> Node:
        choices = self._by_result[type_]
        return self._node(self._random.choice(choices), depth) if depth > 0 and choices else Node(type_)

    def literal(self, type_: str) -> str:
        """A literal or selector of a type, or null."""
        if type_.startswith("List<"):
            return self._list(type_)
        if self._of_hundred(NULLS):
            return _null(type_)
        if type_.startswith("Interval<"):
            return self._interval(type_[len("Interval<") : -1])
        if type_.startswith("Tuple"):
            return f"Tuple {{ a: {self.literal('count')}, b: {self.literal('String')} }}"
        text = self._random.choice(LITERALS[type_])
        return f"({text})" if text.startswith("-") else text

    def _interval(self, point: str) -> str:
        """Bounds are mostly exact and in order, as they have to be; some are partial dates, or equal."""
        texts = LITERALS[point]
        exact = EXACT.get(point, len(texts)) if self._of_hundred(80) else len(texts)
        bounds = [texts[i] for i in sorted(self._random.choices(range(exact), k=2))]
        signs = ("[", "]") if bounds[0] == bounds[1] else (self._random.choice("[[[("), self._random.choice("]]])"))
        low, high = (_null(point) if self._of_hundred(NULLS) else text for text in bounds)
        return f"Interval{signs[0]}{low}, {high}{signs[1]}"

    def _list(self, type_: str) -> str:
        if self._of_hundred(NULLS // 2):
            return _null(type_)
        element = type_[len("List<") : -1]
        texts = [self.literal(element) for _ in range(self._random.choice([0, 1, 2, 2, 3, 4]))]
        if texts and self._of_hundred(40):
            texts.append(self._random.choice(texts))
        return f"List<{element}>{{ {', '.join(texts)} }}"


def main() -> None:
    parser = runner_parser(__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=20)
    options = parser.parse_args()
    for shape in Writer(options.seed).shapes(options.count, rows=2):
        print(*(expression.cql for expression in shape.expressions()), sep="\n")


if __name__ == "__main__":
    main()
