"""Values where another type is expected: the libraries of the matrix of implicit conversions and promotions.

A function is called with a value of each type, so that the overload, the conversion, and the promotion or demotion of a
list or interval are all that a library shows. The values are those of translator_matrix.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from translator_matrix import TYPES, VALUES, matrix_library

EXPECTED = (
    *TYPES.values(), "List<Long>", "List<DateTime>", "List<Ratio>", "List<List<Decimal>>", "Interval<Long>",
    "List<Interval<Quantity>>", "List<Interval<Date>>", "Tuple { a Decimal, b String }", "Choice<Decimal, Quantity>",
    "Choice<Concept, String>", "Choice<List<Integer>, Interval<Integer>>", "List<Choice<Code, Concept>>",
    "Choice<Date, DateTime, Interval<DateTime>>",
)  # fmt: skip
OVERLOADS = (
    ("Integer", "Decimal"), ("Long", "Decimal"), ("Decimal", "Quantity"), ("Long", "Quantity"), ("Ratio", "Quantity"),
    ("Date", "DateTime"), ("Code", "Concept"), ("Concept", "List<Code>"), ("Code", "List<Code>"),
    ("Concept", "List<Concept>"), ("Vocabulary", "List<Code>"), ("Integer", "List<Integer>"),
    ("Decimal", "List<Integer>"), ("Decimal", "Interval<Integer>"), ("Integer", "Interval<Integer>"),
    ("Interval<Integer>", "List<Integer>"), ("Interval<Decimal>", "List<Decimal>"), ("DateTime", "Interval<Date>"),
    ("Interval<Date>", "Interval<DateTime>"), ("List<Date>", "List<DateTime>"), ("List<Decimal>", "List<Quantity>"),
    ("Any", "Integer"), ("Any", "List<Any>"), ("List<Any>", "List<Integer>"), ("Choice<Integer, String>", "Decimal"),
    ("Choice<Integer, String>", "Choice<Decimal, Quantity>"), ("Choice<Code, Concept>", "Code"),
    ("String", "Choice<Date, DateTime, Interval<DateTime>>"),
)  # fmt: skip
# Values where the syntax, and not a function, says what is expected; # is the value.
PLACES = {
    "list of Decimal": "List<Decimal> { # }", "list of Concept": "List<Concept> { # }",
    "list of lists": "List<List<Integer>> { # }", "list of intervals": "List<Interval<DateTime>> { # }",
    "codes of Concept": "Concept { codes: # }", "code of Code": "Code { code: # }",
    "value of Quantity": "Quantity { value: # }", "numerator of Ratio": "Ratio { numerator: # }",
    "element of Tuple": "(if bool then Tuple { a: #, b: 'b' } else tup)", "sort": "({ # }) X return X sort asc",
    "filter": "({ 1 }) X where # return X", "then": "if bool then # else conceptOf",
    "else": "if bool then 1.0 else #", "then of lists": "if bool then # else decs",
    "then of intervals": "if bool then # else ivDec",
    "item": "case when bool then # when not bool then long else 1 'mg' end", "Coalesce": "Coalesce(#, long, dec)",
    "Coalesce of codes": "Coalesce(#, codeOf, conceptOf)", "list of several": "{ #, long, 1 'mg' }",
    "list of codes": "{ #, codeOf, conceptOf }", "bounds": "Interval[#, dec]",
    "bounds of dates": "Interval[dateOf, #]", "union with codes": "codes union #",
    "union with intervals": "ivDts union #", "equal to a concept": "conceptOf = #",
    "equivalent to a concept": "conceptOf ~ #", "equivalent to a list": "concepts ~ #", "in a list": "# in decs",
    "in concepts": "# in concepts", "in an interval": "# in ivDec", "in times": "# in ivDt",
    "during": "# during ivDate", "plus a Long": "long + #", "times a Quantity": "qty * #",
    "divided by a Long": "# / long", "less than a Long": "# < long", "less than a Quantity": "# < qty",
    "between": "# between long and dec", "includes": "decs includes #", "interval includes": "ivDec includes #",
    "overlaps": "ivQty overlaps #", "same": "ivDt same day as #",
}  # fmt: skip


def parameters() -> Iterator[tuple[str, str]]:
    """(name, text) of one library for each type of a function's parameter and each value."""
    for type_, value in product(dict.fromkeys(EXPECTED), VALUES):
        yield f"{type_}({value})", _calling([type_], value)


def overloads() -> Iterator[tuple[str, str]]:
    """(name, text) of one library for each pair of overloads and each value."""
    for pair, value in product(OVERLOADS, VALUES):
        yield f"{' or '.join(pair)}({value})", _calling(pair, value)


def places() -> Iterator[tuple[str, str]]:
    """(name, text) of one library for each place that wants a type, or a common type, and each value."""
    for (name, template), value in product(PLACES.items(), VALUES):
        yield f"{name}({value})", matrix_library(template, [value])


def _calling(types: tuple[str, ...] | list[str], value: str) -> str:
    functions = "".join(f"define function f(arg {type_}): {at}\n" for at, type_ in enumerate(types, 1))
    return matrix_library("f(#)", [value], functions)
