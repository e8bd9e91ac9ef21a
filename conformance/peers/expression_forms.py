"""What CQL expressions of the System types are made of: literals by type, and forms by chapter of the CQL reference.

A form is CQL with {0}, {1}, … for its operands, with their types and the type of its result. Types are written as in
CQL; "count" stands for a small Integer, always a literal. Literals are in ascending order, so that intervals can be
made of them; uncertain values (partial dates) come last.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

NUMBERS = ("Integer", "Long", "Decimal")
TEMPORAL = ("Date", "DateTime", "Time")
POINTS = (*NUMBERS, *TEMPORAL, "Quantity")
ORDERED = (*POINTS, "String")
ELEMENTS = (*ORDERED, "Boolean", "Tuple { a Integer, b String }", "Interval<Integer>", "Interval<Date>")

LITERALS: dict[str, tuple[str, ...]] = {
    "Boolean": ("true", "false"),
    "count": ("-1", "0", "1", "2", "3", "4", "6", "8", "17"),
    "Integer": ("-2147483648", "-7", "-1", "0", "1", "2", "3", "4", "5", "10", "2147483647"),
    "Long": ("-9223372036854775808L", "-7L", "-1L", "0L", "1L", "2L", "3L", "10L", "9223372036854775807L"),
    "Decimal": ("-7.25", "-1.5", "-0.5", "0.0", "0.00000001", "0.1", "0.5", "1.0", "1.50", "2.0", "3.14159", "10.0"),
    "String": ("''", "'A'", "'a'", "'a,b,c'", "'ab'", "'abcab'", "'b'", "'12'", "'-1.5'", "'2012-02-29'", "'é B'"),
    "Date": (
        "@2011-12-31", "@2012-01-01", "@2012-01-31", "@2012-02-28", "@2012-02-29", "@2012-03-01", "@2013-02-28",
        "@2012-02", "@2012-03", "@2012", "@2013",
    ),
    "DateTime": (
        "@2011-12-31T23:59:59.999Z", "@2012-01-01T00:00:00.000Z", "@2012-02-29T00:00:00.000Z",
        "@2012-02-29T10:30:00.000Z", "@2012-02-29T10:30:00.000-05:00", "@2012-03-01T00:30:00.000+01:00",
        "@2012-03-01T08:00:00.001Z", "@2013-02-28T12:00:00.000Z", "@2012-02-29T10:30Z", "@2012-02-29T10Z",
        "@2012-02-29T", "@2012-02T", "@2012T",
    ),
    "Time": (
        "@T00:00:00.000", "@T08:00:00.000", "@T10:30:00.000", "@T10:30:15.500", "@T23:59:59.999", "@T10:30", "@T10",
    ),
    "Quantity": (
        "-1 'g'", "0 'g'", "1 'mg'", "1 'g'", "1000 'mg'", "1.5 'g'", "2 'g'", "5 'cm'", "0.05 'm'", "3 '1'", "2 'd'",
    ),
}  # fmt: skip
# How many of the literals are known exactly; intervals are mostly made of these, in their order.
EXACT = {"Date": 7, "DateTime": 8, "Time": 5, "Quantity": 7}
PRECISIONS = {
    "Date": ("year", "month", "day"),
    "DateTime": ("year", "month", "day", "hour", "minute", "second", "millisecond"),
    "Time": ("hour", "minute", "second", "millisecond"),
}
DURATIONS = {
    "Date": ("years", "months", "weeks", "days"),
    "DateTime": ("years", "months", "weeks", "days", "hours", "minutes", "seconds", "milliseconds"),
    "Time": ("hours", "minutes", "seconds", "milliseconds"),
}


class Form(NamedTuple):
    """An operation: CQL with places for `operands`, whose result has the type `result`."""

    cql: str
    operands: tuple[str, ...]
    result: str


def forms() -> list[Form]:
    """All forms, each once."""
    chapters = (logical, comparison, arithmetic, strings, temporal, intervals, lists, aggregates, conversions)
    return list(dict.fromkeys(form for chapter in chapters for form in chapter()))


def logical() -> Iterator[Form]:
    for word in ("and", "or", "xor", "implies"):
        yield Form(f"{{0}} {word} {{1}}", ("Boolean", "Boolean"), "Boolean")
    yield Form("not {0}", ("Boolean",), "Boolean")
    for test in ("is true", "is not true", "is false", "is not false"):
        yield Form(f"{{0}} {test}", ("Boolean",), "Boolean")
    for type_ in ELEMENTS:
        yield Form("{0} is null", (type_,), "Boolean")
        yield Form("Coalesce({0}, {1})", (type_, type_), type_)
        yield Form("if {0} then {1} else {2}", ("Boolean", type_, type_), type_)
        yield Form("case when {0} then {1} when {2} then {3} else {1} end", ("Boolean", type_, "Boolean", type_), type_)


def comparison() -> Iterator[Form]:
    for type_ in (*ELEMENTS, *(f"Interval<{point}>" for point in POINTS), *(f"List<{each}>" for each in ELEMENTS)):
        for sign in ("=", "!=", "~", "!~"):
            yield Form(f"{{0}} {sign} {{1}}", (type_, type_), "Boolean")
    for type_ in ORDERED:
        for sign in ("<", "<=", ">", ">="):
            yield Form(f"{{0}} {sign} {{1}}", (type_, type_), "Boolean")
        yield Form("{0} between {1} and {2}", (type_,) * 3, "Boolean")
    for number in NUMBERS:
        yield Form("{0} = {1}", ("Integer", number), "Boolean")
        yield Form("{0} < {1}", (number, "Decimal"), "Boolean")


def arithmetic() -> Iterator[Form]:
    for type_ in (*NUMBERS, "Quantity"):
        for sign in ("+", "-", "*", "div", "mod"):
            yield Form(f"{{0}} {sign} {{1}}", (type_, type_), type_)
        yield Form("{0} / {1}", (type_, type_), "Quantity" if type_ == "Quantity" else "Decimal")
        yield Form("-{0}", (type_,), type_)
        yield Form("Abs({0})", (type_,), type_)
        yield Form("predecessor of {0}", (type_,), type_)
        yield Form("successor of {0}", (type_,), type_)
    yield Form("{0} * {1}", ("Quantity", "Decimal"), "Quantity")
    yield Form("{0} / {1}", ("Quantity", "Decimal"), "Quantity")
    yield Form("{0} + {1}", ("Integer", "Decimal"), "Decimal")
    for name in ("Ceiling", "Floor", "Truncate"):
        yield Form(f"{name}({{0}})", ("Decimal",), "Integer")
    for name in ("Exp", "Ln", "Round"):
        yield Form(f"{name}({{0}})", ("Decimal",), "Decimal")
    yield Form("Round({0}, {1})", ("Decimal", "count"), "Decimal")
    yield Form("Log({0}, {1})", ("Decimal", "Decimal"), "Decimal")
    yield Form("{0} ^ {1}", ("Decimal", "Decimal"), "Decimal")
    yield Form("Power({0}, {1})", ("Integer", "count"), "Integer")
    for type_ in ("Decimal", *TEMPORAL):
        yield Form("Precision({0})", (type_,), "Integer")
        yield Form("LowBoundary({0}, {1})", (type_, "count"), type_)
        yield Form("HighBoundary({0}, {1})", (type_, "count"), type_)


def strings() -> Iterator[Form]:
    text = "String"
    for sign in ("+", "&"):
        yield Form(f"{{0}} {sign} {{1}}", (text, text), text)
    for name in ("StartsWith", "EndsWith", "Matches"):
        yield Form(f"{name}({{0}}, {{1}})", (text, text), "Boolean")
    for name in ("PositionOf", "LastPositionOf"):
        yield Form(f"{name}({{0}}, {{1}})", (text, text), "Integer")
    for name in ("Upper", "Lower"):
        yield Form(f"{name}({{0}})", (text,), text)
    yield Form("Length({0})", (text,), "Integer")
    yield Form("{0}[{1}]", (text, "count"), text)
    yield Form("Substring({0}, {1})", (text, "count"), text)
    yield Form("Substring({0}, {1}, {2})", (text, "count", "count"), text)
    yield Form("Split({0}, {1})", (text, text), "List<String>")
    yield Form("SplitOnMatches({0}, {1})", (text, text), "List<String>")
    yield Form("Combine({0}, {1})", ("List<String>", text), text)
    yield Form("Combine({0})", ("List<String>",), text)
    yield Form("ReplaceMatches({0}, {1}, {2})", (text, text, text), text)


def temporal() -> Iterator[Form]:
    for type_ in TEMPORAL:
        for unit in DURATIONS[type_]:
            for amount in (1, 13):
                yield Form(f"{{0}} + {amount} {unit}", (type_,), type_)
                yield Form(f"{{0}} - {amount} {unit}", (type_,), type_)
            yield Form(f"{unit} between {{0}} and {{1}}", (type_, type_), "Integer")
            yield Form(f"difference in {unit} between {{0}} and {{1}}", (type_, type_), "Integer")
        for precision in PRECISIONS[type_]:
            yield Form(f"{precision} from {{0}}", (type_,), "Integer")
            for words in (
                f"same {precision} as", f"same {precision} or before", f"same {precision} or after",
                f"before {precision} of", f"after {precision} of",
            ):  # fmt: skip
                yield Form(f"{{0}} {words} {{1}}", (type_, type_), "Boolean")
        yield Form("predecessor of {0}", (type_,), type_)
        yield Form("successor of {0}", (type_,), type_)
    yield Form("date from {0}", ("DateTime",), "Date")
    yield Form("time from {0}", ("DateTime",), "Time")
    yield Form("timezoneoffset from {0}", ("DateTime",), "Decimal")
    yield Form("Date({0}, {1}, {2})", ("Integer", "count", "count"), "Date")
    yield Form("CalculateAgeInYearsAt({0}, {1})", ("Date", "Date"), "Integer")
    yield Form("CalculateAgeInMonthsAt({0}, {1})", ("DateTime", "DateTime"), "Integer")


def intervals() -> Iterator[Form]:
    for point in POINTS:
        one = f"Interval<{point}>"
        for words in ("in", "properly included in"):
            yield Form(f"{{0}} {words} {{1}}", (point, one), "Boolean")
        for words in ("contains", "properly includes"):
            yield Form(f"{{0}} {words} {{1}}", (one, point), "Boolean")
        for words in (
            "includes", "included in", "properly includes", "properly included in", "overlaps", "overlaps before",
            "overlaps after", "meets", "meets before", "meets after", "starts", "ends", "before", "after", "same as",
            "same or before", "same or after",
        ):  # fmt: skip
            yield Form(f"{{0}} {words} {{1}}", (one, one), "Boolean")
        for words in ("before", "after", "same or before", "same or after"):
            yield Form(f"{{0}} {words} {{1}}", (one, point), "Boolean")
            yield Form(f"{{0}} {words} {{1}}", (point, one), "Boolean")
        for word in ("union", "intersect", "except"):
            yield Form(f"{{0}} {word} {{1}}", (one, one), one)
        for words in ("start of", "end of", "point from"):
            yield Form(f"{words} {{0}}", (one,), point)
        yield Form("Interval[{0}, {1}]", (point, point), one)
        yield Form("Interval({0}, {1})", (point, point), one)
        yield Form("collapse {0}", (f"List<{one}>",), f"List<{one}>")
        if point not in TEMPORAL:
            yield Form("width of {0}", (one,), point)
            yield Form("Size({0})", (one,), point)
        for precision in PRECISIONS.get(point, ()):
            for words in (
                f"in {precision} of", f"properly included in {precision} of", f"before {precision} of",
                f"after {precision} of",
            ):  # fmt: skip
                yield Form(f"{{0}} {words} {{1}}", (point, one), "Boolean")
            for words in (
                f"includes {precision} of", f"included in {precision} of", f"overlaps {precision} of",
                f"overlaps before {precision} of", f"meets {precision} of", f"starts {precision} of",
                f"ends {precision} of", f"before {precision} of", f"after {precision} of", f"same {precision} as",
                f"same {precision} or before", f"same {precision} or after",
            ):  # fmt: skip
                yield Form(f"{{0}} {words} {{1}}", (one, one), "Boolean")
    yield Form("expand {{ {0} }} per 1 day", ("Interval<Date>",), "List<Interval<Date>>")
    yield Form("expand {{ {0} }} per 1 month", ("Interval<Date>",), "List<Interval<Date>>")
    yield Form("expand {{ {0} }} per 1 '1'", ("Interval<count>",), "List<Interval<Integer>>")
    yield Form("expand {{ {0} }} per 2 '1'", ("Interval<count>",), "List<Interval<Integer>>")


def lists() -> Iterator[Form]:
    for element in ELEMENTS:
        many = f"List<{element}>"
        yield Form("{{ {0}, {1} }}", (element, element), many)
        for words in ("in", "properly included in"):
            yield Form(f"{{0}} {words} {{1}}", (element, many), "Boolean")
        for words in ("contains", "properly includes"):
            yield Form(f"{{0}} {words} {{1}}", (many, element), "Boolean")
        for words in ("includes", "included in", "properly includes", "properly included in"):
            yield Form(f"{{0}} {words} {{1}}", (many, many), "Boolean")
        for word in ("union", "intersect", "except"):
            yield Form(f"{{0}} {word} {{1}}", (many, many), many)
        yield Form("distinct {0}", (many,), many)
        yield Form("exists {0}", (many,), "Boolean")
        yield Form("flatten {{ {0}, {1} }}", (many, many), many)
        for name in ("First", "Last"):
            yield Form(f"{name}({{0}})", (many,), element)
        yield Form("singleton from {0}", (many,), element)
        yield Form("IndexOf({0}, {1})", (many, element), "Integer")
        yield Form("{0}[{1}]", (many, "count"), element)
        yield Form("Tail({0})", (many,), many)
        for name in ("Skip", "Take"):
            yield Form(f"{name}({{0}}, {{1}})", (many, "count"), many)
        yield Form("Length({0})", (many,), "Integer")
        yield Form("({0}) X where X is not null return all X", (many,), many)
        yield Form("({0}) X with ({1}) Y such that X = Y return all X", (many, many), many)
        if element in ORDERED:
            for direction in ("asc", "desc"):
                yield Form(f"({{0}}) X return all X sort {direction}", (many,), many)
    pair = "Tuple { a Integer, b String }"
    yield Form("({0}).a", (pair,), "Integer")
    yield Form("({0}) X return all X.b", (f"List<{pair}>",), "List<String>")
    yield Form("Tuple {{ a: {0}, b: {1} }}", ("Integer", "String"), pair)


def aggregates() -> Iterator[Form]:
    for element in ELEMENTS:
        yield Form("Count({0})", (f"List<{element}>",), "Integer")
    for element in ORDERED:
        for name in ("Min", "Max"):
            yield Form(f"{name}({{0}})", (f"List<{element}>",), element)
    for element in (*ORDERED, "Boolean"):
        yield Form("Mode({0})", (f"List<{element}>",), element)
    for element in (*NUMBERS, "Quantity"):
        yield Form("Sum({0})", (f"List<{element}>",), element)
        yield Form("Product({0})", (f"List<{element}>",), element)
    for element in ("Decimal", "Quantity"):
        for name in ("Avg", "Median", "Variance", "PopulationVariance", "StdDev", "PopulationStdDev"):
            yield Form(f"{name}({{0}})", (f"List<{element}>",), element)
    yield Form("GeometricMean({0})", ("List<Decimal>",), "Decimal")
    for name in ("AllTrue", "AnyTrue"):
        yield Form(f"{name}({{0}})", ("List<Boolean>",), "Boolean")
    yield Form("({0}) X aggregate R starting 1: R + X", ("List<Integer>",), "Integer")


def conversions() -> Iterator[Form]:
    for type_ in ("Boolean", *NUMBERS, *TEMPORAL, "Quantity"):
        yield Form("ToString({0})", (type_,), "String")
        yield Form(f"To{type_}({{0}})", ("String",), type_)
        yield Form(f"ConvertsTo{type_}({{0}})", ("String",), "Boolean")
    yield Form("ToDecimal({0})", ("Integer",), "Decimal")
    yield Form("ToLong({0})", ("Integer",), "Long")
    yield Form("ToQuantity({0})", ("Decimal",), "Quantity")
    yield Form("ToDateTime({0})", ("Date",), "DateTime")
    yield Form("ToDate({0})", ("DateTime",), "Date")
    yield Form("ToBoolean({0})", ("Integer",), "Boolean")
    yield Form("convert {0} to 'mg'", ("Quantity",), "Quantity")
