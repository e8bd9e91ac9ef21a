"""How often a medication is taken: QDM has a code (SNOMED CT) for what CDA writes as the period between doses."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from lxml import etree

from ecqm.data.qdm.qrda.datatypes import CODE, Codec
from ecqm.data.qdm.qrda.problems import Unwritable
from ecqm.data.qdm.qrda.xml import XSI_TYPE, Element, name
from ecqm.data.qdm.structs import Code

SNOMED_CT = "2.16.840.1.113883.6.96"

# Hours between doses (shortest, longest), and whether the times of day are the institution's: "four times a day" is,
# "every six hours" is not.
_CODES: dict[tuple[int, int | None, bool], str] = {
    (24, None, True): "229797004",
    (12, None, True): "229799001",
    (8, None, True): "229798009",
    (6, None, True): "307439001",
    (12, 24, True): "396107007",
    (8, 24, True): "396108002",
    (6, 24, True): "396109005",
    (6, 12, True): "396111001",
    (2, 4, False): "225752000",
    (3, 4, False): "225754004",
    (3, 6, False): "396127008",
    (6, 8, False): "396139000",
    (8, 12, False): "396140003",
    (4, None, False): "225756002",
    (6, None, False): "307468000",
    (8, None, False): "307469008",
    (12, None, False): "307470009",
    (24, None, False): "396125000",
    (36, None, False): "396126004",
    (48, None, False): "396131002",
    (72, None, False): "396143001",
}
_PERIODS = {code: period for period, code in _CODES.items()}


def _hours(element: Element | None) -> int | None:
    if element is None:
        return None
    try:
        number = Decimal(element.get("value") or "")
    except InvalidOperation:
        return None
    unit = (element.get("unit") or "").lower()
    hours = number * {"h": 1, "d": 24}.get(unit, 0)
    return int(hours) if hours and hours == int(hours) else None


def _read(element: Element) -> Code | None:
    period = element.find(name("period"))
    if period is None:
        return None
    low = period.find(name("low"))
    shortest = _hours(period if low is None else low)
    if shortest is None:
        return None
    code = _CODES.get((shortest, _hours(period.find(name("high"))), element.get("institutionSpecified") == "true"))
    return None if code is None else Code(code, SNOMED_CT)


def _write(element: Element, value: Code) -> None:
    if not value.code:
        element.set("nullFlavor", "UNK")
        return
    if value.code not in _PERIODS:
        raise Unwritable(f"frequency {value.code} has no period that is known")
    shortest, longest, institutional = _PERIODS[value.code]
    element.set(XSI_TYPE, "PIVL_TS")
    if institutional:
        element.set("institutionSpecified", "true")
    element.set("operator", "A")
    period = etree.SubElement(element, name("period"))
    if longest is None:
        period.set("value", str(shortest))
        period.set("unit", "h")
        return
    period.set(XSI_TYPE, "IVL_PQ")
    for tag, hours in (("low", shortest), ("high", longest)):
        etree.SubElement(period, name(tag), value=str(hours), unit="h")


FREQUENCY = Codec(_read, _write, CODE.xsi)
