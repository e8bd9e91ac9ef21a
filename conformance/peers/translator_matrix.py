"""Every operator of CQL, applied to values of all types: the libraries of the operator matrix.

Values are parameters, so that each definition has the type of its operands and nothing else. Their names are not
keywords.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import product

TYPES = {
    "bool": "Boolean", "int": "Integer", "long": "Long", "dec": "Decimal", "str": "String", "dateOf": "Date",
    "dt": "DateTime", "timeOf": "Time", "qty": "Quantity", "ratio": "Ratio", "codeOf": "Code", "conceptOf": "Concept",
    "vocab": "Vocabulary", "any": "Any",
    "ints": "List<Integer>", "decs": "List<Decimal>", "strs": "List<String>", "bools": "List<Boolean>",
    "dates": "List<Date>", "dts": "List<DateTime>", "qtys": "List<Quantity>", "codes": "List<Code>",
    "concepts": "List<Concept>", "intLists": "List<List<Integer>>", "anys": "List<Any>",
    "ivInt": "Interval<Integer>", "ivDec": "Interval<Decimal>", "ivDate": "Interval<Date>",
    "ivDt": "Interval<DateTime>", "ivTime": "Interval<Time>", "ivQty": "Interval<Quantity>",
    "ivDts": "List<Interval<DateTime>>", "ivInts": "List<Interval<Integer>>",
    "tup": "Tuple { a Integer, b String }", "tups": "List<Tuple { a Integer, b String }>",
    "intStr": "Choice<Integer, String>", "dtIv": "Choice<DateTime, Interval<DateTime>>",
    "codeConcept": "Choice<Code, Concept>", "intStrs": "List<Choice<Integer, String>>",
}  # fmt: skip
TERMINOLOGY = """codesystem cs: 'http://example.org/cs'
valueset vs: 'http://example.org/vs'
code cd: 'a' from cs
concept cc: { cd }
"""
VALUES = (*TYPES, "null", "vs", "cs", "cd", "cc")
PAIRED = (
    "int", "dec", "str", "dateOf", "dt", "qty", "codeOf", "any", "null", "vs", "ints", "ivInt", "ivDt", "intStr",
    "dtIv",
)  # fmt: skip
TARGETS = ("int", "dec", "str", "dt", "qty", "conceptOf", "any", "ints", "anys", "ivDec", "tup", "intStr", "intStrs")
TIMED = (
    ("dt", "dt"), ("dt", "ivDt"), ("ivDt", "dt"), ("ivDt", "ivDt"), ("dateOf", "ivDate"), ("ivDate", "ivDt"),
    ("dateOf", "dt"), ("timeOf", "ivTime"),
)  # fmt: skip

_PRECISIONS = ("year", "month", "week", "day", "hour", "minute", "second", "millisecond")
BINARY = {
    "Add": "# + #", "Subtract": "# - #", "Multiply": "# * #", "Divide": "# / #", "Div": "# div #",
    "Mod": "# mod #", "Power": "# ^ #", "Concatenate": "# & #",
    "Equal": "# = #", "NotEqual": "# != #", "Equivalent": "# ~ #", "NotEquivalent": "# !~ #",
    "Less": "# < #", "LessOrEqual": "# <= #", "Greater": "# > #", "GreaterOrEqual": "# >= #",
    "And": "# and #", "Or": "# or #", "Xor": "# xor #", "Implies": "# implies #",
    "In": "# in #", "Contains": "# contains #", "InDay": "# in day of #", "ContainsDay": "# contains day of #",
    "Union": "# union #", "Bar": "# | #", "Intersect": "# intersect #", "Except": "# except #",
    "Includes": "# includes #", "ProperlyIncludes": "# properly includes #", "IncludedIn": "# included in #",
    "During": "# during #", "ProperlyDuring": "# properly during day of #",
    "Before": "# before #", "After": "# after #", "BeforeDay": "# before day of #", "OnOrBefore": "# on or before #",
    "AfterOrOn": "# after or on #", "SameDay": "# same day as #", "SameAs": "# same as #",
    "SameOrBefore": "# same or before #", "SameDayOrAfter": "# same day or after #",
    "Meets": "# meets #", "MeetsBefore": "# meets before #", "MeetsAfter": "# meets after #",
    "Overlaps": "# overlaps #", "OverlapsBefore": "# overlaps before #",
    "OverlapsAfterDay": "# overlaps after day of #",
    "Starts": "# starts #", "Ends": "# ends #", "StartsBeforeStart": "# starts before start #",
    "WithinDays": "# within 3 days of #", "ThreeDaysBefore": "# 3 days before #",
    "ThreeDaysOrLessAfter": "# 3 days or less after #", "MoreThanThreeDaysBefore": "# more than 3 days before #",
    "DaysBetween": "days between # and #", "DifferenceBetween": "difference in months between # and #",
    "Indexer": "#[#]", "Interval": "Interval[#, #)", "List": "{#, #}", "If": "if bool then # else #",
    "Case": "case when bool then # else # end", "Coalesce": "Coalesce(#, #)",
    "CollapsePer": "collapse # per #", "ExpandPer": "expand # per #",
    "IndexOf": "IndexOf(#, #)", "Combine": "Combine(#, #)", "Split": "Split(#, #)", "Log": "Log(#, #)",
    "Round": "Round(#, #)", "Take": "Take(#, #)", "Skip": "Skip(#, #)", "Subsumes": "Subsumes(#, #)",
    "PositionOf": "PositionOf(#, #)", "StartsWith": "StartsWith(#, #)", "Substring": "Substring(#, #)",
    "LowBoundary": "LowBoundary(#, #)", "AgeAt": "CalculateAgeInYearsAt(#, #)",
}  # fmt: skip

_FUNCTIONS = (
    "Abs", "Ceiling", "Floor", "Truncate", "Round", "Ln", "Exp", "Precision", "ToString", "ToBoolean", "ToInteger",
    "ToLong", "ToDecimal", "ToQuantity", "ToRatio", "ToDate", "ToDateTime", "ToTime", "ToConcept", "ConvertsToBoolean",
    "ConvertsToInteger", "ConvertsToLong", "ConvertsToDecimal", "ConvertsToQuantity", "ConvertsToRatio",
    "ConvertsToDate", "ConvertsToDateTime", "ConvertsToTime", "ConvertsToString", "Length", "Upper", "Lower", "ToChars",
    "Combine", "First", "Last", "Tail", "Count", "Sum", "Product", "Min", "Max", "Avg", "Median", "Mode", "Variance",
    "StdDev", "PopulationVariance", "PopulationStdDev", "GeometricMean", "AllTrue", "AnyTrue", "Coalesce", "Size",
    "CalculateAgeInYears", "CalculateAgeInDays", "DateTime", "Date", "Time", "ExpandValueSet", "Not", "Exists", "Start",
    "Flatten", "Distinct", "SingletonFrom", "IsNull", "IsTrue", "Negate", "Predecessor", "DateFrom", "PointFrom",
    "Children", "Descendents",
)  # fmt: skip
_METHODS = (
    "first()", "last()", "tail()", "count()", "exists()", "empty()", "single()", "distinct()", "isDistinct()",
    "allTrue()", "anyTrue()", "allFalse()", "anyFalse()", "not()", "toString()", "toInteger()", "toDecimal()",
    "toBoolean()", "toQuantity()", "toDate()", "toDateTime()", "toTime()", "convertsToInteger()", "length()", "upper()",
    "abs()", "ceiling()", "round()", "sqrt()", "ln()", "toChars()", "hasValue()", "children()", "skip(1)", "take(1)",
    "where($this is not null)", "select($this)", "all($this is not null)", "exists($this is not null)",
    "ofType(Integer)", "as(Integer)", "is(Integer)", "repeat($this)", "contains('a')", "indexOf('a')", "substring(1)",
    "startsWith('a')", "matches('a')", "replace('a', 'b')", "split(',')", "join(',')", "combine({1})", "union({1})",
    "intersect({1})", "exclude({1})", "subsetOf({1})", "supersetOf({1})", "power(2)", "log(10)", "iif(true, 1, 2)",
    "trace('a')", "aggregate($total + 1, 0)", "low", "high", "a", "value", "codes", "code",
)  # fmt: skip
UNARY = {
    "Not": "not #", "Exists": "exists #", "Negate": "-#", "Plus": "+#", "Start": "start of #", "End": "end of #",
    "Width": "width of #", "Successor": "successor of #", "Predecessor": "predecessor of #",
    "Singleton": "singleton from #", "Point": "point from #", "DateFrom": "date from #", "TimeFrom": "time from #",
    "TimezoneFrom": "timezone from #", "OffsetFrom": "timezoneoffset from #", "Distinct": "distinct #",
    "Flatten": "flatten #", "Collapse": "collapse #", "Expand": "expand #", "IsNull": "# is null",
    "IsNotTrue": "# is not true", "DurationInDays": "duration in days of #", "ToDays": "convert # to days",
    "ToUnit": "convert # to 'cm'", "Between": "# between 1 and 10",
    "BetweenDates": "# between @2020-01-01 and @2021-01-01",
    **{f"{name.capitalize()}From": f"{name} from #" for name in _PRECISIONS},
    **{f"Convert{name}": f"convert # to {TYPES[name]}" for name in TARGETS},
    **{f"Is{name}": f"# is {TYPES[name]}" for name in TARGETS},
    **{f"As{name}": f"# as {TYPES[name]}" for name in TARGETS},
    **{f"Cast{name}": f"cast # as {TYPES[name]}" for name in TARGETS},
    **{f"Function{name}": f"{name}(#)" for name in _FUNCTIONS},
    **{f"Method_{method}": f"(#).{method}" for method in _METHODS},
    "Query": "(#) X return X", "QueryWhere": "(#) X where X is not null", "QuerySort": "(#) X sort asc",
    "If": "if # then 1 else 2", "CaseOf": "case # when 1 then 'a' else 'b' end",
    "When": "case when # then 1 else 2 end",
    "CodeIn": "# in vs", "CodeInSystem": "# in cs", "Sum2": "Sum({#, #})", "Tuple": "Tuple { x: # }",
    "Concept": "Concept { display: # }", "Quantity": "Quantity { value: #, unit: 'mg' }",
}  # fmt: skip


def matrix(paired: Sequence[str] = PAIRED) -> Iterator[tuple[str, str]]:
    """(name, text) of one library for each operator and its operands; binary operators take the values `paired`.

    One library for all operands of an operator would not do: what the reference translator accepts depends on the
    overloads of generic operators that earlier definitions of the library made it instantiate.
    """
    for name, template in UNARY.items():
        for value in VALUES:
            yield f"{name}({value})", matrix_library(template, [value])
    for name, template in BINARY.items():
        for left, right in product(paired, repeat=2):
            yield f"{name}({left}, {right})", matrix_library(template, [left, right])


def timing() -> Iterator[tuple[str, str]]:
    """(name, text) of one library for each timing phrase and pair of operands."""
    for phrase in _phrases():
        for left, right in TIMED:
            yield f"{left} {phrase} {right}", matrix_library(f"# {phrase} #", [left, right])


def _phrases() -> Iterator[str]:
    """Every timing phrase, with two precisions and one amount."""
    points, days, sides = ("", "starts", "ends", "occurs"), ("", "day of"), ("", "start", "end")
    relations = ("before", "after", "on or before", "on or after", "before or on", "after or on")
    offsets = ("", "3 days", "3 days or more", "36 hours or less", "less than 3 months", "more than 1 week")
    phrases = [
        *product(points, ("same",), ("", "day", "hour"), ("as", "or before", "or after"), sides),
        *product(("", "properly"), ("includes",), days, sides),
        *product(points, ("", "properly"), ("during", "included in"), days),
        *product(points, offsets, relations, days, sides),
        *product(points, ("", "properly"), ("within 3 days of", "within 90 minutes of"), sides),
        *product(("meets", "overlaps"), ("", "before", "after"), days),
        *product(("starts", "ends"), days),
    ]
    return (" ".join(filter(None, words)) for words in phrases)


def matrix_library(template: str, operands: Sequence[str], functions: str = "") -> str:
    """A library that defines x by an expression in which the operands, from left to right, are in place of #.

    The last operand is repeated. `functions` are definitions that the expression refers to.
    """
    expression = template
    for operand in operands[:-1]:
        expression = expression.replace("#", operand, 1)
    expression = expression.replace("#", operands[-1])
    words = set(re.findall(r"\w+", expression))
    terminology = TERMINOLOGY if words & {"vs", "cs", "cd", "cc"} else ""
    parameters = "".join(f"parameter {value} {type_}\n" for value, type_ in TYPES.items() if value in words)
    return f"library Matrix\n{terminology}{parameters}{functions}define x: {expression}\n"
