"""CDA's data types (HL7 V3) and the values of QDM: a codec for each.

Every codec reads an element (None where a nullFlavor or nothing stands for a value) and writes into one. Times are
texts on both sides.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal, InvalidOperation
from typing import Any

from lxml import etree

from ecqm.data.qdm.fitting import exact, whole_number
from ecqm.data.qdm.qrda.codes import read_code, read_codes, read_identifier, write_code, write_codes, write_identifier
from ecqm.data.qdm.qrda.problems import Unreadable, Unwritable
from ecqm.data.qdm.qrda.times import ISO_TIME, hl7_time, iso_time
from ecqm.data.qdm.qrda.xml import XSI_TYPE, Element, name
from ecqm.data.qdm.structs import Code, Period, Quantity, Range, Ratio


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
IDENTIFIER = Codec(read_identifier, write_identifier)

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


def _codec_of(value: Any) -> Codec:
    """The codec of a value whose type its element has to tell. Raises Unwritable."""
    if type(value) in _BY_STRUCT:
        return _BY_STRUCT[type(value)]
    if isinstance(value, str):
        is_time = re.match(r"\d{4}-\d\d", value) and ISO_TIME.fullmatch(value)
        return TIME if is_time else TEXT
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        return INTEGER if isinstance(value, int) else DECIMAL
    raise Unwritable(f"{type(value).__name__} values")


def _write_any(element: Element, value: Any) -> None:
    codec = _codec_of(value)
    element.set(XSI_TYPE, str(codec.xsi))
    codec.write(element, value)


ANY = Codec(_read_any, _write_any)
