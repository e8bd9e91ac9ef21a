"""Every operator of the chapters on arithmetic, strings, lists, aggregates, types, codes and messages is registered."""

from __future__ import annotations

import pytest

from ecqm.operators import registry

NUMBERS = ("Integer", "Long", "Decimal", "Quantity")
UNARY = {f"({kind}) -> {kind}" for kind in NUMBERS}
BINARY = {f"({kind}, {kind}) -> {kind}" for kind in NUMBERS}
TEMPORAL = ("Date", "DateTime", "Time")
ORDERED = {f"(List<{kind}>) -> {kind}" for kind in (*NUMBERS, *TEMPORAL, "String")}
STATISTIC = {"(List<Decimal>) -> Decimal", "(List<Quantity>) -> Quantity"}
TOTAL = {f"(List<{kind}>) -> {kind}" for kind in NUMBERS}
BOUNDARY = {f"({kind}, Integer) -> {kind}" for kind in ("Decimal", *TEMPORAL)}
LISTS = {"(List<T>, List<T>) -> Boolean"}
ELEMENT = {"(List<T>, T) -> Boolean"}
MEMBER = {"(T, List<T>) -> Boolean"}
IN_VALUE_SET = {f"({kind}, ValueSet) -> Boolean" for kind in ("String", "Code", "Concept")}
ANY_IN_VALUE_SET = {f"(List<{kind}>, ValueSet) -> Boolean" for kind in ("String", "Code", "Concept")}
CONVERTS = {"(Any) -> Boolean"}


def from_(result: str, *operands: str) -> set[str]:
    return {f"({operand}) -> {result}" for operand in operands}


EXPECTED: dict[str, set[str]] = {
    "Abs": UNARY,
    "Add": BINARY,
    "Ceiling": {"(Decimal) -> Integer"},
    "Divide": {"(Decimal, Decimal) -> Decimal", "(Quantity, Quantity) -> Quantity"},
    "Exp": {"(Decimal) -> Decimal"},
    "Floor": {"(Decimal) -> Integer"},
    "HighBoundary": BOUNDARY,
    "Log": {"(Decimal, Decimal) -> Decimal"},
    "LowBoundary": BOUNDARY,
    "Ln": {"(Decimal) -> Decimal"},
    "MaxValue": {"() -> Any"},
    "MinValue": {"() -> Any"},
    "Modulo": BINARY,
    "Multiply": BINARY,
    "Negate": UNARY,
    "Power": BINARY - {"(Quantity, Quantity) -> Quantity"},
    "Precision": from_("Integer", "Decimal", *TEMPORAL),
    "Predecessor": UNARY,
    "Round": {"(Decimal) -> Decimal", "(Decimal, Integer) -> Decimal"},
    "Subtract": BINARY,
    "Successor": UNARY,
    "Truncate": {"(Decimal) -> Integer"},
    "TruncatedDivide": BINARY,
    "Combine": {"(List<String>) -> String", "(List<String>, String) -> String"},
    "Concatenate": {"(String...) -> String"},
    "EndsWith": {"(String, String) -> Boolean"},
    "Indexer": {"(String, Integer) -> String", "(List<T>, Integer) -> T"},
    "LastPositionOf": {"(String, String) -> Integer"},
    "Length": {"(String) -> Integer", "(List<T>) -> Integer"},
    "Lower": {"(String) -> String"},
    "Matches": {"(String, String) -> Boolean"},
    "PositionOf": {"(String, String) -> Integer"},
    "ReplaceMatches": {"(String, String, String) -> String"},
    "Split": {"(String, String) -> List<String>"},
    "SplitOnMatches": {"(String, String) -> List<String>"},
    "StartsWith": {"(String, String) -> Boolean"},
    "Substring": {"(String, Integer) -> String", "(String, Integer, Integer) -> String"},
    "Upper": {"(String) -> String"},
    "Contains": ELEMENT,
    "Distinct": {"(List<T>) -> List<T>"},
    "Except": {"(List<T>...) -> List<T>"},
    "Exists": {"(List<T>) -> Boolean"},
    "First": {"(List<T>) -> T"},
    "Flatten": {"(List<List<T>>) -> List<T>"},
    "In": MEMBER,
    "Includes": LISTS | ELEMENT,
    "IncludedIn": LISTS | MEMBER,
    "IndexOf": {"(List<T>, T) -> Integer"},
    "Intersect": {"(List<T>...) -> List<T>"},
    "Last": {"(List<T>) -> T"},
    "ProperContains": ELEMENT,
    "ProperIn": MEMBER,
    "ProperIncludes": LISTS | ELEMENT,
    "ProperIncludedIn": LISTS | MEMBER,
    "SingletonFrom": {"(List<T>) -> T"},
    "Slice": {"(List<T>, Integer, Integer) -> List<T>"},
    "Times": {"(List<T>, List<U>) -> List<Any>"},
    "Union": {"(List<T>...) -> List<T>"},
    "AllTrue": {"(List<Boolean>) -> Boolean"},
    "AnyTrue": {"(List<Boolean>) -> Boolean"},
    "Avg": STATISTIC,
    "Count": {"(List<T>) -> Integer"},
    "GeometricMean": {"(List<Decimal>) -> Decimal"},
    "Max": ORDERED,
    "Median": STATISTIC,
    "Min": ORDERED,
    "Mode": {"(List<T>) -> T"},
    "PopulationStdDev": STATISTIC,
    "PopulationVariance": STATISTIC,
    "Product": TOTAL,
    "StdDev": STATISTIC,
    "Sum": TOTAL,
    "Variance": STATISTIC,
    "As": {"(Any) -> Any"},
    "CanConvert": CONVERTS,
    "CanConvertQuantity": {"(Quantity, String) -> Boolean"},
    "Children": {"(Any) -> List<Any>"},
    "Convert": {"(Any) -> Any"},
    "ConvertQuantity": {"(Quantity, String) -> Quantity"},
    "ConvertsToBoolean": CONVERTS,
    "ConvertsToDate": CONVERTS,
    "ConvertsToDateTime": CONVERTS,
    "ConvertsToDecimal": CONVERTS,
    "ConvertsToInteger": CONVERTS,
    "ConvertsToLong": CONVERTS,
    "ConvertsToQuantity": CONVERTS,
    "ConvertsToRatio": CONVERTS,
    "ConvertsToString": CONVERTS,
    "ConvertsToTime": CONVERTS,
    "Descendents": {"(Any) -> List<Any>"},
    "Is": CONVERTS,
    "ToBoolean": from_("Boolean", "String", "Integer", "Long", "Decimal"),
    "ToChars": {"(String) -> List<String>"},
    "ToConcept": from_("Concept", "Code", "List<Code>"),
    "ToDate": from_("Date", "String", "DateTime"),
    "ToDateTime": from_("DateTime", "String", "Date"),
    "ToDecimal": from_("Decimal", "String", "Boolean", "Integer", "Long"),
    "ToInteger": from_("Integer", "String", "Boolean", "Long"),
    "ToList": {"(T) -> List<T>"},
    "ToLong": from_("Long", "String", "Boolean", "Integer"),
    "ToQuantity": from_("Quantity", "String", "Integer", "Long", "Decimal", "Ratio"),
    "ToRatio": from_("Ratio", "String"),
    "ToString": from_("String", "Boolean", *NUMBERS, "Ratio", *TEMPORAL),
    "ToTime": from_("Time", "String"),
    "AnyInCodeSystem": {signature.replace("ValueSet", "CodeSystem") for signature in ANY_IN_VALUE_SET},
    "AnyInValueSet": ANY_IN_VALUE_SET,
    "CalculateAge": from_("Integer", "Date", "DateTime"),
    "CalculateAgeAt": {"(Date, Date) -> Integer", "(DateTime, DateTime) -> Integer"},
    "ExpandValueSet": {"(ValueSet) -> List<Code>"},
    "InCodeSystem": {signature.replace("ValueSet", "CodeSystem") for signature in IN_VALUE_SET},
    "InValueSet": IN_VALUE_SET,
    "SubsumedBy": {"(Code, Code) -> Boolean", "(Concept, Concept) -> Boolean"},
    "Subsumes": {"(Code, Code) -> Boolean", "(Concept, Concept) -> Boolean"},
    "Message": {"(T, Boolean, String, String, String) -> T"},
}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_every_overload_is_registered(name: str) -> None:
    found = registry.get(name)
    present = {str(overload.signature) for overload in found.overloads}
    assert EXPECTED[name] <= present
    assert found.doc and found.spec.startswith("elm:")
    assert all(overload.operator == name for overload in found.overloads)
