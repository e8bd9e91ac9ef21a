"""CDA's data types and the values of QDM: times, codes, quantities, intervals, ratios, identifiers.

Every codec reads an element (None where a nullFlavor or nothing stands for a value) and writes into one. Times are
texts on both sides: HL7's `20260201103000-0500` and ISO 8601's `2026-02-01T10:30:00-05:00`, with the same precision.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal, InvalidOperation
from typing import Any

from lxml import etree

from ecqm.data.qdm.fitting import exact, whole_number
from ecqm.data.qdm.qrda.xml import SDTC, XSI_TYPE, Element, name
from ecqm.data.qdm.structs import Code, Period, Quantity, Range, Ratio
from ecqm.terminology import VALUE_SETS, system_oid

ROOT_OF_IDS = "1.3.6.1.4.1.115"

_HL7_TIME = re.compile(r"(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\.\d{1,4})?([+-]\d{4})?")
_ISO_TIME = re.compile(
    r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?(?:T(\d\d)(?::(\d\d))?(?::(\d\d))?(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?"
)


class Unreadable(ValueError):
    """A value that is not of its type."""


class Unwritable(ValueError):
    """A value that CDA has no place for."""


def iso_time(text: str) -> str:
    """An HL7 time as ISO 8601 writes it. Raises Unreadable."""
    match = _HL7_TIME.fullmatch(text.strip())
    if match is None:
        raise Unreadable(f"{text!r} is no HL7 time")
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    date = "-".join(part for part in (year, month, day) if part)
    if hour is None:
        return date
    clock = ":".join(part for part in (hour, minute or "00", second) if part)
    return f"{date}T{clock}{fraction or ''}{zone[:3] + ':' + zone[3:] if zone else ''}"


def hl7_time(text: str) -> str:
    """An ISO 8601 time as HL7 writes it. Raises Unwritable."""
    match = _ISO_TIME.fullmatch(text.strip())
    if match is None:
        raise Unwritable(f"{text!r} is no ISO 8601 time")
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    zone = "+0000" if zone == "Z" else (zone or "").replace(":", "")
    digits = "".join(part or "" for part in (year, month, day, hour, minute, second))
    return f"{digits}{(fraction or '')[:5]}{zone if hour else ''}"


@dataclass(frozen=True)
class Codec:
    """How the values of a type are read from an element and written into one; `xsi` names the type where CDA asks."""

    read: Callable[[Element], Any]
    write: Callable[[Element, Any], None]
    xsi: str | None = None


# -- simple values ----------------------------------------------------------------------------------------------------


def _read_time(element: Element) -> str | None:
    text = element.get("value")
    return exact(iso_time(text)) if text else None


def _read_date(element: Element) -> str | None:
    text = element.get("value")
    return iso_time(text)[:10] if text else None


def _write_time(element: Element, value: str) -> None:
    element.set("value", hl7_time(value))


def _read_integer(element: Element) -> int | None:
    text = element.get("value")
    if not text:
        return None
    try:
        whole = whole_number(Decimal(text).to_integral_value(ROUND_DOWN))
    except InvalidOperation:
        whole = None
    if whole is None:
        raise Unreadable(f"{text!r} is not an integer")
    return whole


def _write_plain(element: Element, value: Any) -> None:
    element.set("value", str(value))


def _write_days(element: Element, value: int) -> None:
    element.set("value", str(value))
    element.set("unit", "d")


def _decimal(element: Element) -> Decimal | None:
    text = element.get("value")
    if not text:
        return None
    try:
        return Decimal(text.strip())
    except InvalidOperation as error:
        raise Unreadable(f"{text!r} is not a number") from error


def _read_text(element: Element) -> str | None:
    text = "".join(map(str, element.itertext())).strip()
    return text or None


def _write_text(element: Element, value: str) -> None:
    element.text = value


# -- codes ------------------------------------------------------------------------------------------------------------


def read_code(element: Element) -> Code | None:
    """The code of an element; of one with a nullFlavor the first translation, or the value set that it stands for."""
    codes = read_codes(element)
    return codes[0] if codes else None


def read_codes(element: Element) -> list[Code]:
    """All codes of an element: its own, its translations; or the value set of which none was done."""
    found = []
    for each in (element, *element.iterchildren(name("translation"))):
        code = each.get("code")
        if code:
            system, version = each.get("codeSystem"), each.get("codeSystemVersion")
            found.append(Code(code, system, version, each.get("displayName")))
    value_set = element.get(f"{{{SDTC}}}valueSet")
    if not found and value_set:
        found.append(Code(value_set, VALUE_SETS))
    return found


def write_code(element: Element, value: Code) -> None:
    """Write a code, or a value set in place of one. Raises Unwritable if its code system has no known OID."""
    if value.system == VALUE_SETS:
        element.set("nullFlavor", "NA")
        element.set(f"{{{SDTC}}}valueSet", value.code or "")
        return
    if not value.code:
        element.set("nullFlavor", "UNK")
        return
    element.set("code", value.code)
    if value.system:
        oid = system_oid(value.system)
        if oid is None:
            raise Unwritable(f"code system {value.system!r} has no OID that is known")
        element.set("codeSystem", oid)
    if value.version:
        element.set("codeSystemVersion", value.version)
    if value.display:
        element.set("displayName", value.display)


def write_codes(element: Element, values: list[Code]) -> None:
    """Codes of one thing: the first as the element's own, the others as translations."""
    first, *others = values
    write_code(element, first)
    for other in others:
        write_code(etree.SubElement(element, name("translation")), other)


# -- quantities, intervals, ratios ------------------------------------------------------------------------------------


def _read_quantity(element: Element) -> Quantity | None:
    value = _decimal(element)
    return None if value is None else Quantity(value, element.get("unit"))


def _write_quantity(element: Element, value: Quantity) -> None:
    if value.value is None:
        element.set("nullFlavor", "UNK")
        return
    element.set("value", str(value.value))
    # CDA's default unit, which CMS wants to see.
    element.set("unit", value.unit or "1")


def _interval(part: Codec, struct: type[Period | Range]) -> Codec:
    def read(element: Element) -> Period | Range | None:
        bounds = {tag: element.find(name(tag)) for tag in ("low", "high")}
        if all(bound is None for bound in bounds.values()):
            return None
        values = {tag: None if bound is None else part.read(bound) for tag, bound in bounds.items()}
        closed = {f"{tag}Closed": bound is None or bound.get("inclusive") != "false" for tag, bound in bounds.items()}
        stated = any(value is not None for value in values.values())
        unstated = all(bound is None or bound.get("nullFlavor") == "NA" for bound in bounds.values())
        return None if unstated and not stated else struct(**values, **closed)  # type: ignore[arg-type]

    def write(element: Element, value: Period | Range) -> None:
        for tag, bound, closed in (("low", value.low, value.lowClosed), ("high", value.high, value.highClosed)):
            child = etree.SubElement(element, name(tag))
            if bound is None:
                child.set("nullFlavor", "UNK")
            else:
                part.write(child, bound)
            if closed is False:
                child.set("inclusive", "false")

    return Codec(read, write, "IVL_TS" if struct is Period else "IVL_PQ")


def _read_span(element: Element) -> Period | None:
    """A period, or the point in time (`value`, `center`) that documents have in place of one."""
    center = element.find(name("center"))
    point = _read_time(element if center is None else center)
    return PERIOD.read(element) if point is None else Period(point, point)


def _read_ratio(element: Element) -> Ratio | None:
    parts = [element.find(name(tag)) for tag in ("numerator", "denominator")]
    numerator, denominator = (None if part is None else _read_quantity(part) for part in parts)
    return None if numerator is None or denominator is None else Ratio(numerator, denominator)


def _write_ratio(element: Element, value: Ratio) -> None:
    for tag, part in (("numerator", value.numerator), ("denominator", value.denominator)):
        child = etree.SubElement(element, name(tag))
        _write_quantity(child, part or Quantity())


TIME = Codec(_read_time, _write_time, "TS")
DATE = Codec(_read_date, _write_time, "TS")
INTEGER = Codec(_read_integer, _write_plain, "INT")
DAYS = Codec(_read_integer, _write_days, "PQ")
DECIMAL = Codec(_decimal, _write_plain, "REAL")
TEXT = Codec(_read_text, _write_text, "ST")
CODE = Codec(read_code, write_code, "CD")
CODES = Codec(lambda element: read_codes(element) or None, write_codes, "CD")
QUANTITY = Codec(_read_quantity, _write_quantity, "PQ")
PERIOD = _interval(TIME, Period)
SPAN = Codec(_read_span, PERIOD.write, PERIOD.xsi)
RANGE = _interval(QUANTITY, Range)
RATIO = Codec(_read_ratio, _write_ratio, "RTO_PQ_PQ")

_BY_XSI_TYPE = {codec.xsi: codec for codec in (TIME, INTEGER, DECIMAL, TEXT, CODE, QUANTITY, PERIOD, RANGE, RATIO)} | {
    "CE": CODE,
    "CV": CODE,
    "CS": CODE,
    "CO": CODE,
    "ED": TEXT,
    "RTO": RATIO,
}
_BY_STRUCT: dict[type, Codec] = {Code: CODE, Quantity: QUANTITY, Ratio: RATIO, Period: PERIOD, Range: RANGE}


def _read_any(element: Element) -> Any:
    if element.get("nullFlavor") and not len(element):
        return None
    kind = (element.get(XSI_TYPE) or "").rpartition(":")[2]
    codec = _BY_XSI_TYPE.get(kind)
    if codec is None:
        raise Unreadable(f"a value of the type {kind!r}" if kind else "a value without its type (xsi:type)")
    if codec is TIME and len((element.get("value") or "").strip()) <= 8:
        codec = DATE
    value = codec.read(element)
    if isinstance(value, Quantity) and value.value is not None and value.unit in (None, "", "1"):
        return _number(value.value)
    return value


def _number(value: Decimal) -> int | Decimal:
    """A number without a unit, as scores and counts are written: QDM has them as Integer, or as Decimal."""
    whole = whole_number(value)
    return value if whole is None else whole


def _write_any(element: Element, value: Any) -> None:
    codec = _BY_STRUCT.get(type(value))
    if codec is None:
        if isinstance(value, bool) or not isinstance(value, (int, float, Decimal, str)):
            raise Unwritable(f"{type(value).__name__} values")
        codec = INTEGER if isinstance(value, int) else DECIMAL
        if isinstance(value, str):
            codec = TIME if re.match(r"\d{4}-\d\d", value) and _ISO_TIME.fullmatch(value) else TEXT
    element.set(XSI_TYPE, str(codec.xsi))
    codec.write(element, value)


ANY = Codec(_read_any, _write_any)


# -- identifiers ------------------------------------------------------------------------------------------------------


def read_identifier(element: Element) -> str | None:
    """The identifier of a thing: its extension, or its root where that is all."""
    return element.get("extension") or element.get("root")


def write_identifier(element: Element, value: str) -> None:
    """Write an identifier, below the root that this package gives to identifiers."""
    element.set("root", ROOT_OF_IDS)
    element.set("extension", value)


IDENTIFIER = Codec(read_identifier, write_identifier)
