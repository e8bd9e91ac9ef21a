"""The operators of CQL: names, operand types and result types (CQL reference, Appendix B).

There is one line per overload: `Name(operand types) : result`. Names are those of the ELM nodes. A single capital
letter is a type variable. IMPLICIT_CONVERSIONS lists the conversions that need no call.
"""

from __future__ import annotations

from functools import cache

from ecqm.language.signatures import Signature, parse_signature
from ecqm.types import CqlType, parse_type

_NUMBERS = ("Integer", "Long", "Decimal")
_TEMPORAL = ("DateTime", "Date", "Time")
_ORDERED = (*_NUMBERS, "String", *_TEMPORAL, "Quantity")
_POINTS = (*_NUMBERS, *_TEMPORAL, "Quantity")


def _each(pattern: str, types: tuple[str, ...]) -> str:
    return "\n".join(pattern.replace("#", type_) for type_ in types)


LOGICAL = """
And(Boolean, Boolean) : Boolean
Or(Boolean, Boolean) : Boolean
Xor(Boolean, Boolean) : Boolean
Implies(Boolean, Boolean) : Boolean
Not(Boolean) : Boolean
"""

NULLOLOGICAL = """
IsNull(Any) : Boolean
IsTrue(Boolean) : Boolean
IsFalse(Boolean) : Boolean
Coalesce(List<T>) : T
Coalesce(T, T) : T
Coalesce(T, T, T) : T
Coalesce(T, T, T, T) : T
Coalesce(T, T, T, T, T) : T
"""

_TEXTUAL = ("Boolean", "Integer", "Long", "Decimal", "DateTime", "Date", "Time", "Quantity", "Ratio")
CONVERSION = "\n".join(
    (
        _each("ToString(#) : String", _TEXTUAL),
        _each("ToBoolean(#) : Boolean", ("String", "Integer", "Long", "Decimal")),
        _each("ToInteger(#) : Integer", ("String", "Boolean", "Long")),
        _each("ToLong(#) : Long", ("String", "Integer", "Boolean")),
        _each("ToDecimal(#) : Decimal", ("String", "Integer", "Long", "Boolean")),
        _each("ToDateTime(#) : DateTime", ("String", "Date")),
        _each("ToDate(#) : Date", ("String", "DateTime")),
        "ToTime(String) : Time",
        _each("ToQuantity(#) : Quantity", ("String", "Integer", "Long", "Decimal", "Ratio")),
        "ToRatio(String) : Ratio",
        _each("ToConcept(#) : Concept", ("Code", "List<Code>")),
        _each(
            "ConvertsTo#(Any) : Boolean",
            ("Boolean", "Integer", "Long", "Decimal", "String", "DateTime", "Date", "Time", "Quantity", "Ratio"),
        ),
        "ToChars(String) : List<String>",
        "ConvertQuantity(Quantity, String) : Quantity",
        "CanConvertQuantity(Quantity, String) : Boolean",
    )
)

COMPARISON = "\n".join(
    (
        "Equal(T, T) : Boolean",
        "Equivalent(T, T) : Boolean",
        "Equivalent(List<T>, List<T>) : Boolean",
        _each("Equal(#, #) : Boolean", ("Boolean", *_ORDERED, "Ratio", "Code", "Concept")),
        _each("Equivalent(#, #) : Boolean", ("Boolean", *_ORDERED, "Ratio", "Code", "Concept")),
        _each("Less(#, #) : Boolean", _ORDERED),
        _each("LessOrEqual(#, #) : Boolean", _ORDERED),
        _each("Greater(#, #) : Boolean", _ORDERED),
        _each("GreaterOrEqual(#, #) : Boolean", _ORDERED),
    )
)

ARITHMETIC = "\n".join(
    (
        _each("Abs(#) : #", (*_NUMBERS, "Quantity")),
        _each("Negate(#) : #", (*_NUMBERS, "Quantity")),
        _each("Add(#, #) : #", (*_NUMBERS, "Quantity")),
        _each("Subtract(#, #) : #", (*_NUMBERS, "Quantity")),
        _each("Multiply(#, #) : #", (*_NUMBERS, "Quantity")),
        "Divide(Decimal, Decimal) : Decimal",
        "Divide(Quantity, Quantity) : Quantity",
        _each("TruncatedDivide(#, #) : #", (*_NUMBERS, "Quantity")),
        _each("Modulo(#, #) : #", (*_NUMBERS, "Quantity")),
        _each("Power(#, #) : #", _NUMBERS),
        "Ceiling(Decimal) : Integer",
        "Floor(Decimal) : Integer",
        "Truncate(Decimal) : Integer",
        "Round(Decimal) : Decimal",
        "Round(Decimal, Integer) : Decimal",
        "Ln(Decimal) : Decimal",
        "Exp(Decimal) : Decimal",
        "Log(Decimal, Decimal) : Decimal",
        _each("Predecessor(#) : #", _POINTS),
        _each("Successor(#) : #", _POINTS),
        _each("Precision(#) : Integer", ("Decimal", "Date", "DateTime", "Time")),
        _each("LowBoundary(#, Integer) : #", ("Decimal", "Date", "DateTime", "Time")),
        _each("HighBoundary(#, Integer) : #", ("Decimal", "Date", "DateTime", "Time")),
    )
)

STRING = """
Concatenate(String, String) : String
Add(String, String) : String
Combine(List<String>) : String
Combine(List<String>, String) : String
Split(String, String) : List<String>
SplitOnMatches(String, String) : List<String>
Length(String) : Integer
Upper(String) : String
Lower(String) : String
Indexer(String, Integer) : String
PositionOf(String, String) : Integer
LastPositionOf(String, String) : Integer
Substring(String, Integer) : String
Substring(String, Integer, Integer) : String
StartsWith(String, String) : Boolean
EndsWith(String, String) : Boolean
Matches(String, String) : Boolean
ReplaceMatches(String, String, String) : String
"""

_DATE_PARTS = ", ".join(["Integer"] * 7)
TEMPORAL = "\n".join(
    (
        _each("Add(#, Quantity) : #", _TEMPORAL),
        _each("Subtract(#, Quantity) : #", _TEMPORAL),
        "\n".join(f"DateTime({', '.join(['Integer'] * count)}) : DateTime" for count in range(1, 8)),
        f"DateTime({_DATE_PARTS}, Decimal) : DateTime",
        "\n".join(f"Date({', '.join(['Integer'] * count)}) : Date" for count in range(1, 4)),
        "\n".join(f"Time({', '.join(['Integer'] * count)}) : Time" for count in range(1, 5)),
        "Now() : DateTime",
        "Today() : Date",
        "TimeOfDay() : Time",
        "DateFrom(DateTime) : Date",
        "TimeFrom(DateTime) : Time",
        "TimezoneFrom(DateTime) : Decimal",
        "TimezoneOffsetFrom(DateTime) : Decimal",
        _each("DateTimeComponentFrom(#) : Integer", _TEMPORAL),
        _each("DurationBetween(#, #) : Integer", _TEMPORAL),
        _each("DifferenceBetween(#, #) : Integer", _TEMPORAL),
        _each("SameAs(#, #) : Boolean", _TEMPORAL),
        _each("SameOrBefore(#, #) : Boolean", _TEMPORAL),
        _each("SameOrAfter(#, #) : Boolean", _TEMPORAL),
        _each("Before(#, #) : Boolean", _TEMPORAL),
        _each("After(#, #) : Boolean", _TEMPORAL),
    )
)

_MEASURABLE = (*_NUMBERS, "Quantity")
INTERVAL = """
After(Interval<T>, Interval<T>) : Boolean
After(T, Interval<T>) : Boolean
After(Interval<T>, T) : Boolean
Before(Interval<T>, Interval<T>) : Boolean
Before(T, Interval<T>) : Boolean
Before(Interval<T>, T) : Boolean
Collapse(List<Interval<T>>) : List<Interval<T>>
Collapse(List<Interval<T>>, Quantity) : List<Interval<T>>
Expand(List<Interval<T>>) : List<Interval<T>>
Expand(List<Interval<T>>, Quantity) : List<Interval<T>>
Expand(Interval<T>) : List<T>
Expand(Interval<T>, Quantity) : List<T>
Contains(Interval<T>, T) : Boolean
ProperContains(Interval<T>, T) : Boolean
In(T, Interval<T>) : Boolean
ProperIn(T, Interval<T>) : Boolean
Start(Interval<T>) : T
End(Interval<T>) : T
Starts(Interval<T>, Interval<T>) : Boolean
Ends(Interval<T>, Interval<T>) : Boolean
Except(Interval<T>, Interval<T>) : Interval<T>
Intersect(Interval<T>, Interval<T>) : Interval<T>
Union(Interval<T>, Interval<T>) : Interval<T>
Includes(Interval<T>, Interval<T>) : Boolean
Includes(Interval<T>, T) : Boolean
IncludedIn(Interval<T>, Interval<T>) : Boolean
IncludedIn(T, Interval<T>) : Boolean
ProperIncludes(Interval<T>, Interval<T>) : Boolean
ProperIncludes(Interval<T>, T) : Boolean
ProperIncludedIn(Interval<T>, Interval<T>) : Boolean
ProperIncludedIn(T, Interval<T>) : Boolean
Meets(Interval<T>, Interval<T>) : Boolean
MeetsBefore(Interval<T>, Interval<T>) : Boolean
MeetsAfter(Interval<T>, Interval<T>) : Boolean
Overlaps(Interval<T>, Interval<T>) : Boolean
OverlapsBefore(Interval<T>, Interval<T>) : Boolean
OverlapsAfter(Interval<T>, Interval<T>) : Boolean
PointFrom(Interval<T>) : T
SameAs(Interval<T>, Interval<T>) : Boolean
SameOrBefore(Interval<T>, Interval<T>) : Boolean
SameOrBefore(T, Interval<T>) : Boolean
SameOrBefore(Interval<T>, T) : Boolean
SameOrAfter(Interval<T>, Interval<T>) : Boolean
SameOrAfter(T, Interval<T>) : Boolean
SameOrAfter(Interval<T>, T) : Boolean
""" + "\n".join((_each("Size(Interval<#>) : #", _MEASURABLE), _each("Width(Interval<#>) : #", _MEASURABLE)))

LIST = """
Contains(List<T>, T) : Boolean
ProperContains(List<T>, T) : Boolean
In(T, List<T>) : Boolean
ProperIn(T, List<T>) : Boolean
Distinct(List<T>) : List<T>
Except(List<T>, List<T>) : List<T>
Intersect(List<T>, List<T>) : List<T>
Union(List<T>, List<T>) : List<T>
Exists(List<T>) : Boolean
First(List<T>) : T
Last(List<T>) : T
Flatten(List<List<T>>) : List<T>
Includes(List<T>, List<T>) : Boolean
Includes(List<T>, T) : Boolean
IncludedIn(List<T>, List<T>) : Boolean
IncludedIn(T, List<T>) : Boolean
ProperIncludes(List<T>, List<T>) : Boolean
ProperIncludes(List<T>, T) : Boolean
ProperIncludedIn(List<T>, List<T>) : Boolean
ProperIncludedIn(T, List<T>) : Boolean
Indexer(List<T>, Integer) : T
IndexOf(List<T>, T) : Integer
Length(List<T>) : Integer
SingletonFrom(List<T>) : T
Slice(List<T>) : List<T>
Slice(List<T>, Integer) : List<T>
Slice(List<T>, Integer, Integer) : List<T>
"""

AGGREGATE = "\n".join(
    (
        "AllTrue(List<Boolean>) : Boolean",
        "AnyTrue(List<Boolean>) : Boolean",
        "Count(List<T>) : Integer",
        _each("Sum(List<#>) : #", (*_NUMBERS, "Quantity")),
        _each("Product(List<#>) : #", (*_NUMBERS, "Quantity")),
        _each("Min(List<#>) : #", _ORDERED),
        _each("Max(List<#>) : #", _ORDERED),
        "Mode(List<T>) : T",
        "GeometricMean(List<Decimal>) : Decimal",
        *(
            _each(f"{name}(List<#>) : #", ("Decimal", "Quantity"))
            for name in ("Avg", "Median", "Variance", "PopulationVariance", "StdDev", "PopulationStdDev")
        ),
    )
)

CLINICAL = """
InValueSet(String, ValueSet) : Boolean
InValueSet(Code, ValueSet) : Boolean
InValueSet(Concept, ValueSet) : Boolean
AnyInValueSet(List<String>, ValueSet) : Boolean
AnyInValueSet(List<Code>, ValueSet) : Boolean
AnyInValueSet(List<Concept>, ValueSet) : Boolean
InCodeSystem(String, CodeSystem) : Boolean
InCodeSystem(Code, CodeSystem) : Boolean
InCodeSystem(Concept, CodeSystem) : Boolean
AnyInCodeSystem(List<String>, CodeSystem) : Boolean
AnyInCodeSystem(List<Code>, CodeSystem) : Boolean
AnyInCodeSystem(List<Concept>, CodeSystem) : Boolean
ExpandValueSet(ValueSet) : List<Code>
CalculateAge(DateTime) : Integer
CalculateAge(Date) : Integer
CalculateAgeAt(DateTime, DateTime) : Integer
CalculateAgeAt(Date, Date) : Integer
Subsumes(Code, Code) : Boolean
Subsumes(Concept, Concept) : Boolean
SubsumedBy(Code, Code) : Boolean
SubsumedBy(Concept, Concept) : Boolean
Message(T, Boolean, String, String, String) : T
Children(Any) : List<Any>
Descendents(Any) : List<Any>
"""

CHAPTERS = (
    LOGICAL, NULLOLOGICAL, CONVERSION, COMPARISON, ARITHMETIC, STRING, TEMPORAL, INTERVAL, LIST, AGGREGATE, CLINICAL,
)  # fmt: skip

# The conversions that the language performs implicitly (Author's Guide, Implicit Conversions): from, to, operator. All
# other conversions by a `To…` operator need `convert … to …`.
IMPLICIT_CONVERSIONS = """
Integer Long ToLong
Integer Decimal ToDecimal
Long Decimal ToDecimal
Integer Quantity ToQuantity
Decimal Quantity ToQuantity
Date DateTime ToDateTime
Code Concept ToConcept
ValueSet List<Code> ExpandValueSet
"""


@cache
def system_signatures() -> dict[str, tuple[Signature, ...]]:
    """All overloads of the operators of the language, by name."""
    found: dict[str, list[Signature]] = {}
    for chapter in CHAPTERS:
        for line in filter(None, map(str.strip, chapter.splitlines())):
            signature = parse_signature(line)
            found.setdefault(signature.name, []).append(signature)
    return {name: tuple(signatures) for name, signatures in found.items()}


@cache
def system_conversions() -> dict[tuple[CqlType, CqlType], tuple[str, bool]]:
    """(from, to) → (operator, whether it is implicit), for the types of System."""
    found: dict[tuple[CqlType, CqlType], tuple[str, bool]] = {}
    for signatures in system_signatures().values():
        for signature in signatures:
            name, operands = signature.name, signature.operands
            if name.startswith("To") and len(operands) == 1 and operands[0] != signature.result:
                found[operands[0], signature.result] = (name, False)
    for line in IMPLICIT_CONVERSIONS.strip().splitlines():
        from_, to, operator = line.split()
        found[parse_type(from_), parse_type(to)] = (operator, True)
    return found
