"""Random expressions over lists, evaluated on columns for all patients and by a few lines of Python for each."""

from __future__ import annotations

import operator
import random
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from ecqm.data import Cohort
from tests.data.resources import observation, patient
from tests.engine.logic import Logic, cohort_of

Bindings = dict[str, Any]
Expression = tuple[str, Callable[[Bindings], Any]]
"""CQL, and what it means: a function of what names are bound to; lists are tuples."""

COMPARISONS = {"<": operator.lt, "<=": operator.le, "=": operator.eq, "!=": operator.ne, ">": operator.gt}
REDUCTIONS: dict[str, Callable[[tuple[int, ...]], int]] = {"Sum": sum, "Min": min, "Max": max}


def known(values: Any) -> tuple[Any, ...]:
    return tuple(value for value in values or () if value is not None)


def both(one: bool | None, other: bool | None) -> bool | None:
    return False if one is False or other is False else None if None in (one, other) else True


def negation(one: bool | None) -> bool | None:
    return None if one is None else not one


class Writer:
    """Writes expressions of each type; `names` are the aliases in scope, all of Integers, and `Base` is a list."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.named = 0

    def alias(self) -> str:
        self.named += 1
        return f"V{self.named}"

    def pick(self, depth: int, names: list[str], *choices: Callable[[int, list[str]], Expression]) -> Expression:
        return self.random.choice(choices)(depth - 1, names)

    # -- integers

    def integer(self, depth: int, names: list[str]) -> Expression:
        if depth <= 0:
            return self.atom(depth, names)
        return self.pick(
            depth, names, self.atom, self.sum, self.count, self.end, self.reduction, self.conditional, self.aggregate
        )

    def atom(self, depth: int, names: list[str]) -> Expression:
        if names and self.random.random() < 0.7:
            name = self.random.choice(names)
            return name, lambda b: b[name]
        value = self.random.choice([None, 0, 1, 2, 3, 4, 5])
        return "(null as Integer)" if value is None else str(value), lambda b: value

    def sum(self, depth: int, names: list[str]) -> Expression:
        (one, f), (other, g) = self.integer(depth, names), self.integer(depth, names)
        return f"({one} + {other})", lambda b: None if None in (f(b), g(b)) else f(b) + g(b)

    def count(self, depth: int, names: list[str]) -> Expression:
        source, f = self.list(depth, names)
        return f"Count({source})", lambda b: len(known(f(b)))

    def end(self, depth: int, names: list[str]) -> Expression:
        source, f = self.list(depth, names)
        name, place = self.random.choice([("First", 0), ("Last", -1)])
        return f"{name}({source})", lambda b: f(b)[place] if f(b) else None

    def reduction(self, depth: int, names: list[str]) -> Expression:
        source, f = self.list(depth, names)
        name = self.random.choice(list(REDUCTIONS))
        return f"{name}({source})", lambda b: REDUCTIONS[name](known(f(b))) if known(f(b)) else None

    def conditional(self, depth: int, names: list[str]) -> Expression:
        condition, holds = self.boolean(depth, names)
        (one, f), (other, g) = self.integer(depth, names), self.integer(depth, names)
        return f"(if {condition} then {one} else {other})", lambda b: f(b) if holds(b) else g(b)

    def aggregate(self, depth: int, names: list[str]) -> Expression:
        source, f = self.list(depth, names)
        element, total = self.alias(), self.alias()
        step, g = self.integer(depth, [*names, element, total])

        def gathered(b: Bindings) -> Any:
            result: Any = 1
            for value in f(b):
                result = g({**b, element: value, total: result})
            return result

        return f"({source} {element} aggregate {total} starting 1: {step})", gathered

    # -- conditions

    def boolean(self, depth: int, names: list[str]) -> Expression:
        if depth <= 0:
            return self.comparison(depth, names)
        return self.pick(
            depth, names, self.comparison, self.conjunction, self.negated, self.exists, self.chain, self.is_null,
            self.member,
        )  # fmt: skip

    def comparison(self, depth: int, names: list[str]) -> Expression:
        (one, f), (other, g) = self.integer(depth, names), self.integer(depth, names)
        sign = self.random.choice(list(COMPARISONS))
        return f"({one} {sign} {other})", lambda b: None if None in (f(b), g(b)) else COMPARISONS[sign](f(b), g(b))

    def conjunction(self, depth: int, names: list[str]) -> Expression:
        (one, f), (other, g) = self.boolean(depth, names), self.boolean(depth, names)
        if self.random.random() < 0.5:
            return f"({one} and {other})", lambda b: both(f(b), g(b))
        return f"({one} or {other})", lambda b: negation(both(negation(f(b)), negation(g(b))))

    def negated(self, depth: int, names: list[str]) -> Expression:
        one, f = self.boolean(depth, names)
        return f"(not {one})", lambda b: negation(f(b))

    def exists(self, depth: int, names: list[str]) -> Expression:
        source, f = self.list(depth, names)
        return f"exists ({source})", lambda b: bool(known(f(b)))

    def chain(self, depth: int, names: list[str]) -> Expression:
        """Whether there are elements of several lists with conditions on each and on two of them."""
        sources = [self.list(depth - 1, names) for _ in range(self.random.randint(2, 4))]
        aliases = [self.alias() for _ in sources]
        scopes = [self.random.sample(aliases, self.random.randint(1, 2)) for _ in sources]
        conditions = [self.boolean(self.random.randint(0, 1), scope) for scope in scopes]
        value = self.random.choice(aliases)

        def found(b: Bindings) -> bool:
            rows = (dict(zip(aliases, row, strict=True)) for row in product(*(f(b) for _, f in sources)))
            return any(row[value] is not None and all(holds({**b, **row}) for _, holds in conditions) for row in rows)

        listed = ", ".join(f"{source} {alias}" for (source, _), alias in zip(sources, aliases, strict=True))
        return f"exists (from {listed} where {' and '.join(text for text, _ in conditions)} return all {value})", found

    def is_null(self, depth: int, names: list[str]) -> Expression:
        one, f = self.integer(depth, names)
        return f"({one} is null)", lambda b: f(b) is None

    def member(self, depth: int, names: list[str]) -> Expression:
        (one, f), (source, g) = self.integer(depth, names), self.list(depth, names)
        return f"({one} in {source})", lambda b: f(b) in g(b)

    # -- lists

    def list(self, depth: int, names: list[str]) -> Expression:
        if depth <= 0:
            return "Base", lambda b: b["Base"]
        return self.pick(depth, names, self.literal, self.query, self.related, self.pairs, self.sorted, self.combined)

    def literal(self, depth: int, names: list[str]) -> Expression:
        parts = [self.atom(0, names) for _ in range(self.random.randint(1, 3))]
        return f"({{ {', '.join(part for part, _ in parts)} }})", lambda b: tuple(f(b) for _, f in parts)

    def query(self, depth: int, names: list[str], relation: Expression = ("", lambda b: True)) -> Expression:
        source, f = self.list(depth, names)
        alias = self.alias()
        condition, holds = self.boolean(depth, [*names, alias])
        value, g = self.integer(depth, [*names, alias])
        clause, related = relation
        is_distinct = self.random.random() < 0.3

        def result(b: Bindings) -> Any:
            rows = [{**b, alias: element} for element in f(b)]
            values = [g(row) for row in rows if related({**row, "THIS": row[alias]}) and holds(row)]
            return tuple(dict.fromkeys(values)) if is_distinct else tuple(values)

        clause = clause.replace("THIS", alias)
        return (
            f"({source} {alias}{clause} where {condition} return {'distinct' if is_distinct else 'all'} {value})",
            result,
        )

    def related(self, depth: int, names: list[str]) -> Expression:
        other, f = self.list(depth, names)
        alias = self.alias()
        condition, holds = self.boolean(depth, [*names, alias, "THIS"])
        word = self.random.choice(["with", "without"])

        def is_related(b: Bindings) -> bool:
            return any(holds({**b, alias: element}) for element in known(f(b))) == (word == "with")

        return self.query(depth, names, (f" {word} {other} {alias} such that {condition}", is_related))

    def pairs(self, depth: int, names: list[str]) -> Expression:
        (one, f), (other, g) = self.list(depth, names), self.list(depth, names)
        a, c = self.alias(), self.alias()
        condition, holds = self.boolean(depth, [*names, a, c])
        value, h = self.integer(depth, [*names, a, c])

        def result(b: Bindings) -> Any:
            rows = ({**b, a: x, c: y} for x in f(b) for y in g(b))
            return tuple(h(row) for row in rows if holds(row))

        return f"(from {one} {a}, {other} {c} where {condition} return all {value})", result

    def sorted(self, depth: int, names: list[str]) -> Expression:
        source, f = self.list(depth, names)
        direction = self.random.choice(["asc", "desc"])

        def result(b: Bindings) -> Any:
            return tuple(sorted(f(b), key=lambda x: (x is not None, x or 0), reverse=direction == "desc"))

        return f"({source} {self.alias()} sort {direction})", result

    def combined(self, depth: int, names: list[str]) -> Expression:
        (one, f), (other, g) = self.list(depth, names), self.list(depth, names)
        word = self.random.choice(["union", "intersect", "except"])

        def result(b: Bindings) -> Any:
            left, right = f(b), g(b)
            if word == "union":
                return tuple(dict.fromkeys(left + right))
            return tuple(x for x in dict.fromkeys(left) if (x in right) == (word == "intersect"))

        return f"({one} {word} {other})", result


LISTS = [(), (1,), (5, 2, 2, 4, 1), (None, 4, 5), (None,), (3, 3)]


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """A patient for each list, with an observation for each of its elements."""
    patients = []
    for number, values in enumerate(LISTS):
        measured = [{} if value is None else {"valueInteger": value} for value in values]
        found = [observation(f"{number}-{i}", f"p{number}", **each) for i, each in enumerate(measured)]
        patients.append([patient(f"p{number}"), *found])
    return cohort_of(tmp_path_factory.mktemp("lists"), *patients)


@pytest.mark.parametrize("seed", range(14))
def test_random_expressions(seed: int, cohort: Cohort) -> None:
    writer = Writer(seed)
    written = [writer.pick(4, [], writer.integer, writer.boolean, writer.list) for _ in range(6)]
    defines = "\n".join(f"define X{number}: {source}" for number, (source, _) in enumerate(written))
    base = "define Base: [Observation] O return all (O.value as FHIR.integer).value\n"
    logic = Logic(base + defines)
    for number, (source, meaning) in enumerate(written):
        expected = [meaning({"Base": values}) for values in LISTS]
        assert logic.values(f"X{number}", cohort) == expected, source
        assert logic.values(f"X{number}", logic.executor(cohort, pair_limit=2)) == expected, source
