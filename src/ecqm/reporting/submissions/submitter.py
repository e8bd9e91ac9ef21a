"""Who submits to CMS, and to which program."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from ecqm.reporting.submissions.errors import SubmissionError


class Entity(StrEnum):
    """The kind of entity that reports, as the Quality Payment Program names it."""

    INDIVIDUAL = "individual"
    GROUP = "group"
    VIRTUAL_GROUP = "virtualGroup"
    SUBGROUP = "subgroup"
    APM = "apm"


# Program names of CMS's guide for QRDA III (value set 2.16.840.1.113883.3.249.14.101).
_ENTITIES = {
    "INDIV": Entity.INDIVIDUAL,
    "GROUP": Entity.GROUP,
    "VIRTUALGROUP": Entity.VIRTUAL_GROUP,
    "SUBGROUP": Entity.SUBGROUP,
    "APMENTITY": Entity.APM,
}
# The Quality Payment Program's names of programs, by the beginning of those names.
_QPP_NAMES = {"MIPS_APP1": "app1", "APP_PLUS": "appPlus", "MIPS": "mips"}
PROGRAMS = (
    *(f"MIPS_{entity}" for entity in _ENTITIES),
    *(f"{program}_{entity}" for program in ("MIPS_APP1", "APP_PLUS") for entity in ("INDIV", "GROUP", "APMENTITY")),
)


@dataclass(frozen=True)
class Submitter:
    """Who submits to which program.

    `tin` and `npi` are the taxpayer's number (9 digits) and the National Provider Identifier (10 digits); `entity_id`
    the identifier of a virtual group, subgroup or APM entity; `mvp` a MIPS Value Pathway. Raises SubmissionError if a
    number is invalid, or the program requires others.
    """

    program: str
    tin: str | None = None
    npi: str | None = None
    entity_id: str | None = None
    mvp: str | None = None

    def __post_init__(self) -> None:
        check_numbers(self.tin, self.npi)
        entity = self.entity
        own = entity in (Entity.INDIVIDUAL, Entity.GROUP)
        wanted = {"TIN": own, "NPI": entity is Entity.INDIVIDUAL, "entity identifier": not own}
        given = {"TIN": self.tin, "NPI": self.npi, "entity identifier": self.entity_id}
        for name, asked in wanted.items():
            if asked and given[name] is None:
                raise SubmissionError(f"{self.program} asks for {_article(name)}")
            if not asked and given[name] is not None:
                raise SubmissionError(f"{self.program} takes no {name}")

    @property
    def entity(self) -> Entity:
        """The kind of entity that the program is for."""
        return _ENTITIES[self.program.rpartition("_")[2]]

    @property
    def qpp_program(self) -> str:
        """The name of the program in the Quality Payment Program."""
        return self.mvp or next(name for prefix, name in _QPP_NAMES.items() if self.program.startswith(prefix))


def check_numbers(tin: str | None, npi: str | None) -> None:
    """Raises SubmissionError for an invalid TIN or NPI."""
    if tin is not None and not re.fullmatch(r"[0-9]{9}", tin):
        raise SubmissionError(f"{tin} is not a TIN, which has 9 digits")
    if npi is not None and not is_npi(npi):
        raise SubmissionError(f"{npi} is not an NPI, which has 10 digits with a check digit at the end")


def is_npi(text: str) -> bool:
    """Whether a text is a National Provider Identifier: 10 digits, the last of which is the check digit of Luhn's
    algorithm over 80840 and the others."""
    if not re.fullmatch(r"[0-9]{10}", text):
        return False
    digits = [int(digit) for digit in "80840" + text]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[::-2]) + sum(doubled)) % 10 == 0


def _article(name: str) -> str:
    return f"an {name}" if name[0] in "Ne" else f"a {name}"
