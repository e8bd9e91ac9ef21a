"""An entry template of QRDA Category I: which data type it is, and where the attributes are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ecqm.data.qdm.qrda.datatypes import CODE
from ecqm.data.qdm.qrda.places import At, Place
from ecqm.data.qdm.qrda.xml import Template
from ecqm.data.qdm.schema import NEGATION

LOINC = "2.16.840.1.113883.6.1"
SNOMED_CT = "2.16.840.1.113883.6.96"
ACT_CODE = "2.16.840.1.113883.5.4"
ACT_CLASS = "2.16.840.1.113883.5.6"

Fixed = Mapping[str, tuple[str, str | None]]
"""Codes that a template has in every statement: path → (code, code system)."""

EVENT = "observation[classCode=OBS][moodCode=EVN]"
REASON = f"entryRelationship[typeCode=RSON]/{EVENT}{{24.3.88:2017-08-01}}/value"


@dataclass(frozen=True)
class Wrapper:
    """The act that holds a data type's statement: its own step, and the path from it to the statement's parent."""

    step: str
    relation: str
    fixed: Fixed = field(default_factory=dict)


@dataclass(frozen=True)
class EntryTemplate:
    """One template. `data_types` has the type that its entries are read as first; another may be written so too.

    `step` makes the statement: `observation[classCode=OBS][moodCode=EVN]{24.3.144:2021-08-01}`; `fixed` are its codes
    that no attribute tells; `status` its statusCode; `places` are in it, `outer` in the wrapper; `also` are read
    from the wrapper where documents have them there.
    """

    template: Template
    data_types: tuple[str, ...]
    step: str
    places: tuple[Place, ...]
    fixed: Fixed = field(default_factory=dict)
    status: str | None = "completed"
    wrapper: Wrapper | None = None
    outer: tuple[Place, ...] = ()
    also: tuple[Place, ...] = ()

    @property
    def attributes(self) -> frozenset[str]:
        """The attributes that have a place in the template."""
        return frozenset(place.attribute for place in (*self.places, *self.outer, self.negation))

    @property
    def negation(self) -> At:
        """Where the reason for not having done it is: in the outermost statement."""
        return At(NEGATION, REASON, CODE)
