"""Submissions to CMS: who submits, to which programme, and which results.

Results are read from the output folder of `ecqm run`; nothing is evaluated again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import msgspec

from ecqm.json_decoding import json_decoder
from ecqm.reporting.results.counts import COUNTS, Counts, MeasureCount, read_counts
from ecqm.reporting.submissions.programs import SubmissionError


class Entity(StrEnum):
    """The kind of entity that reports, as the Quality Payment Program names it."""

    INDIVIDUAL = "individual"
    GROUP = "group"
    VIRTUAL_GROUP = "virtualGroup"
    SUBGROUP = "subgroup"
    APM = "apm"


# Programme names of CMS's guide for QRDA III (value set 2.16.840.1.113883.3.249.14.101).
_ENTITIES = {
    "INDIV": Entity.INDIVIDUAL,
    "GROUP": Entity.GROUP,
    "VIRTUALGROUP": Entity.VIRTUAL_GROUP,
    "SUBGROUP": Entity.SUBGROUP,
    "APMENTITY": Entity.APM,
}
# The Quality Payment Program's names of programmes, by the beginning of those names.
_QPP_NAMES = {"MIPS_APP1": "app1", "APP_PLUS": "appPlus", "MIPS": "mips"}
PROGRAMS = (
    *(f"MIPS_{entity}" for entity in _ENTITIES),
    *(f"{program}_{entity}" for program in ("MIPS_APP1", "APP_PLUS") for entity in ("INDIV", "GROUP", "APMENTITY")),
)


@dataclass(frozen=True)
class Submitter:
    """Who submits to which programme.

    `tin` and `npi` are the taxpayer's number (9 digits) and the National Provider Identifier (10 digits); `entity_id`
    the identifier of a virtual group, subgroup or APM entity; `mvp` a MIPS Value Pathway. Raises SubmissionError if a
    number is invalid, or the programme requires others.
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
        return _ENTITIES[self.program.rpartition("_")[2]]

    @property
    def qpp_program(self) -> str:
        """The name of the programme in the Quality Payment Program."""
        return self.mvp or next(name for prefix, name in _QPP_NAMES.items() if self.program.startswith(prefix))


def check_numbers(tin: str | None, npi: str | None) -> None:
    """Raises SubmissionError for an invalid TIN or NPI."""
    if tin is not None and not re.fullmatch(r"[0-9]{9}", tin):
        raise SubmissionError(f"{tin} is not a TIN, which has 9 digits")
    if npi is not None and not is_npi(npi):
        raise SubmissionError(f"{npi} is not an NPI, which has 10 digits with a check digit at the end")


def is_npi(text: str) -> bool:
    """Is a text a National Provider Identifier: 10 digits, with the check digit of Luhn's algorithm over 80840 and the
    others?"""
    if not re.fullmatch(r"[0-9]{10}", text):
        return False
    digits = [int(digit) for digit in "80840" + text]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[::-2]) + sum(doubled)) % 10 == 0


def _article(name: str) -> str:
    return f"an {name}" if name[0] in "Ne" else f"a {name}"


# -- results ----------------------------------------------------------------------------------------------------------


class _Run(msgspec.Struct, frozen=True):
    not_run: dict[str, str]
    missing_value_sets: list[str]


class _Errors(msgspec.Struct, frozen=True):
    not_read: list[str]


_read_run, _read_errors = json_decoder(_Run), json_decoder(_Errors)


def read_results(folder: Path, names: Sequence[str] = (), allow_errors: bool = False) -> Counts:
    """The counts of a run for submission: all measures, or those named, by name or CMS number.

    Raises SubmissionError if the folder has no results, or none of a measure; also, unless `allow_errors`, if a measure
    was not run, patients failed, data could not be read, or value sets were missing.
    """
    try:
        counts = read_counts(folder / COUNTS)
        run = _read_run((folder / "run.json").read_bytes())
        not_read = _read_errors((folder / "errors.json").read_bytes()).not_read
    except (FileNotFoundError, NotADirectoryError) as error:
        raise SubmissionError(f"{folder} has no results of ecqm run: {error.strerror}: {error.filename}") from error
    except msgspec.DecodeError as error:
        raise SubmissionError(f"the results in {folder} cannot be read: {error}") from error
    chosen = [_named(counts, name) for name in names] or [each for each in counts.measures if each.groups]
    if not chosen:
        raise SubmissionError(f"{folder} has results of no measure")
    problems = _problems(chosen, run, not_read, bool(names))
    if problems and not allow_errors:
        raise SubmissionError("the run is not fit to be submitted:\n" + "\n".join(f"  {each}" for each in problems))
    return Counts(counts.date, chosen)


def _named(counts: Counts, name: str) -> MeasureCount:
    for measure in counts.measures:
        if name in (measure.name, measure.canonical) or _cms(name) == _cms(measure.cms or ""):
            return measure
    known = ", ".join(measure.name for measure in counts.measures)
    raise SubmissionError(f"there are no results of a measure {name}; there are those of {known}")


def _cms(text: str) -> str | None:
    match = re.match(r"(?:CMS)?0*(\d+)(?:FHIR|v\d+)?$", text, re.IGNORECASE)
    return match[1] if match else None


def _problems(chosen: Sequence[MeasureCount], run: _Run, not_read: Sequence[str], named: bool) -> list[str]:
    found = [
        f"{measure.name}: the evaluation of {measure.errors} patients failed" for measure in chosen if measure.errors
    ]
    if not named:
        found += [f"{name} was not run: {reason}" for name, reason in run.not_run.items()]
    found += [f"not read: {each}" for each in not_read]
    return found + [f"value set {each}" for each in run.missing_value_sets]
