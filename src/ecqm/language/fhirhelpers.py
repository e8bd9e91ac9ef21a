"""FHIRHelpers, the library of conversions from FHIR to System types, for content that includes it without having it.

Compilers bring FHIRHelpers along, so that repositories often leave it out. This is a library of our own with the same
functions. The conversions of primitive types follow from the model, which names a function for each of them. What the
functions for structured types do is stated in Using CQL with FHIR (FHIRHelpers) and CQL (Quantities). The functions of
FHIRPath that FHIRHelpers declares as external are left out.
"""

from __future__ import annotations

import re
from functools import cache

from ecqm.models import load_model
from ecqm.types import NamedType

FHIR_HELPERS = "FHIRHelpers"
# Used where an include states no version: the first version for FHIR 4.0.1.
_VERSION = "4.0.1"

_STRUCTURED = """
define function ToCalendarUnit(unit System.String):
  case unit
    when 'a' then 'year'
    when 'mo' then 'month'
    when 'wk' then 'week'
    when 'd' then 'day'
    when 'h' then 'hour'
    when 'min' then 'minute'
    when 's' then 'second'
    when 'ms' then 'millisecond'
    else unit
  end

define function ToQuantityIgnoringComparator(quantity FHIR.Quantity):
  case
    when quantity.value is null then null
    when Coalesce(quantity.system.value, 'http://unitsofmeasure.org') in {
      'http://unitsofmeasure.org', 'http://hl7.org/fhirpath/CodeSystem/calendar-units'
    } then System.Quantity {
      value: quantity.value.value,
      unit: ToCalendarUnit(Coalesce(quantity.code.value, quantity.unit.value, '1'))
    }
    else Message(
      null as System.Quantity, true, 'FHIRHelpers.ToQuantity.InvalidFHIRQuantity', 'Error',
      'The unit of a FHIR Quantity is not of UCUM: ' & quantity.system.value & '|' & quantity.code.value
    )
  end

define function ToQuantity(quantity FHIR.Quantity):
  if quantity.value is not null and quantity.comparator is not null then Message(
    null as System.Quantity, true, 'FHIRHelpers.ToQuantity.ComparatorQuantityNotSupported', 'Error',
    'A FHIR Quantity with a comparator cannot be converted to a System.Quantity'
  )
  else ToQuantityIgnoringComparator(quantity)

// A missing start is unknown, a missing end is the end of time.
define function ToInterval(period FHIR.Period):
  case
    when period is null then null
    when period.start is null then Interval(null as System.DateTime, period."end".value]
    else Interval[period.start.value, period."end".value]
  end

define function ToInterval(range FHIR.Range):
  if range is null then null
  else Interval[ToQuantity(range.low), ToQuantity(range.high)]

define function ToInterval(quantity FHIR.Quantity):
  if quantity is null then null
  else case quantity.comparator.value
    when '<' then Interval[null as System.Quantity, ToQuantityIgnoringComparator(quantity))
    when '<=' then Interval[null as System.Quantity, ToQuantityIgnoringComparator(quantity)]
    when '>=' then Interval[ToQuantityIgnoringComparator(quantity), null as System.Quantity]
    when '>' then Interval(ToQuantityIgnoringComparator(quantity), null as System.Quantity]
    else Interval[ToQuantity(quantity), ToQuantity(quantity)]
  end

define function ToRatio(ratio FHIR.Ratio):
  if ratio is null then null
  else System.Ratio { numerator: ToQuantity(ratio.numerator), denominator: ToQuantity(ratio.denominator) }

define function ToCode(coding FHIR.Coding):
  if coding is null then null
  else System.Code {
    code: coding.code.value,
    system: coding.system.value,
    version: coding.version.value,
    display: coding.display.value
  }

define function ToConcept(concept FHIR.CodeableConcept):
  if concept is null then null
  else System.Concept { codes: concept.coding Each return ToCode(Each), display: concept.text.value }

define function ToValueSet(uri System.String):
  if uri is null then null
  else System.ValueSet { id: uri }

define function reference(reference System.String):
  if reference is null then null
  else FHIR.Reference { reference: FHIR.string { value: reference } }
"""


@cache
def fhir_helpers(version: str | None = None) -> str | None:
    """The source of FHIRHelpers in a version for FHIR 4.0.1, all of which have the same conversions; None for versions
    that are for another FHIR (3.0.0)."""
    stated = version or _VERSION
    if stated.partition(".")[0] != "4" or re.fullmatch(r"[\w.+-]+", stated) is None:
        return None
    header = f"library {FHIR_HELPERS} version '{stated}'\n\nusing FHIR version '4.0.1'\n"
    return "\n".join([header, *_primitives(), _STRUCTURED, _to_value()])


def _primitives() -> list[str]:
    """A function for each type whose value is of a System type: `define function ToString(value FHIR."id")`."""
    conversions = load_model("FHIR").conversions
    return [
        f"define function {conversion.function.rpartition('.')[2]}(value {_quoted(conversion.from_type)}): value.value"
        for conversion in conversions
        if isinstance(conversion.from_type, NamedType) and _is_primitive(conversion.from_type)
    ]


def _to_value() -> str:
    """`ToValue`, which takes what extensions may hold: values of primitive types, conversions where there is one, other
    types as they are."""
    fhir = load_model("FHIR")
    held = fhir.element("Extension", "value")
    assert held is not None
    types = [choice for choice in held.choices if isinstance(choice, NamedType)]
    items, others = [], []
    for type_ in types:
        name = _quoted(type_)
        functions = [fhir.conversions_from(step.type) for step in fhir.lineage(type_)]
        convert = next((found[0].function.rpartition(".")[2] for found in functions if found), None)
        if _is_primitive(type_):
            items.append(f"    when value is {name} then (value as {name}).value")
        elif convert is not None:
            items.append(f"    when value is {name} then {convert}(value as {name})")
        else:
            others.append(name)
    return "\n".join(
        [
            f"define function ToValue(value Choice<{', '.join(map(_quoted, types))}>):",
            "  case",
            *items,
            f"    else value as Choice<{', '.join(others)}>",
            "  end\n",
        ]
    )


def _is_primitive(type_: NamedType) -> bool:
    """Whether instances have a `value` of a System type and nothing else of their own."""
    value = load_model("FHIR").element(type_, "value")
    return value is not None and isinstance(value.type, NamedType) and value.type.model == "System"


def _quoted(type_: object) -> str:
    assert isinstance(type_, NamedType)
    return f'{type_.model}."{type_.name}"'
