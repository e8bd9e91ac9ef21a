"""Measures of a CMS program: the numbers and UUIDs under which it accepts the results of eCQMs for clinicians."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ecqm.measures.definition import PopulationCode
from ecqm.reporting.results.counts import MeasureCount
from ecqm.reporting.submissions.errors import SubmissionError

_LISTS = "quality_measures_{year}.toml"
_POPULATIONS = {code.value: code for code in PopulationCode}
# CMS122v14 for QDM; 122FHIR, without a version, for FHIR.
_NUMBER = re.compile(r"(?:CMS)?0*(\d+)(?:v\d+|FHIR)", re.IGNORECASE)


@dataclass(frozen=True)
class Rate:
    """One rate of a measure: the UUIDs of its populations and strata in HQMF, empty if they are unknown."""

    name: str | None
    populations: Mapping[PopulationCode, str]
    strata: tuple[str, ...]


@dataclass(frozen=True)
class ListedMeasure:
    """A measure as listed by the program: its eCQM with version (`CMS122v14`), the UUID of that version, its number
    in the Quality Payment Program. `summed`: all rates are submitted as one. `stratum_names` (usually empty): the
    strata of the single rate are submitted instead of the rate."""

    ecqm: str
    quality_id: str
    specification: str
    rates: tuple[Rate, ...]
    summed: bool
    stratum_names: tuple[str, ...]


@lru_cache(maxsize=4)
def listed_measures(year: int) -> Mapping[int, ListedMeasure]:
    """The eCQMs for clinicians of a performance year, by their number. Raises SubmissionError for an unknown year."""
    path = Path(__file__).with_name(_LISTS.format(year=year))
    if not path.is_file():
        known = sorted(each.stem[-4:] for each in path.parent.glob(_LISTS.format(year="*")))
        raise SubmissionError(f"the eCQMs of performance year {year} are not known, those of {', '.join(known)} are")
    tables = tomllib.loads(path.read_text("utf-8"))
    return {
        int(match[1]): _listed(name, table)
        for name, table in tables.items()
        if isinstance(table, dict) and (match := _NUMBER.fullmatch(name))
    }


def listed(measure: MeasureCount) -> ListedMeasure:
    """The measure in the list of its performance year, the year in which its period begins.

    A FHIR measure counts as the version of that year, if it is the specification for that year. Raises SubmissionError
    if the program does not have the measure or has another version of it, MeasureError for an invalid period.
    """
    year = int(measure.days[0][:4])
    match = _NUMBER.fullmatch(measure.cms or "")
    found = listed_measures(year).get(int(match[1])) if match else None
    if found is None:
        raise SubmissionError(
            f"{measure.name} is not among the eCQMs for clinicians of {year}; choose from the results with --measure"
        )
    effective = measure.effective_period[0]
    if measure.cms is not None and not measure.cms.upper().endswith("FHIR"):
        if measure.cms != found.ecqm:
            raise SubmissionError(f"{measure.name} is {measure.cms}, and {year} asks for {found.ecqm}")
    elif effective is not None and effective[:4] != str(year):
        raise SubmissionError(f"{measure.name} is the specification for {effective[:4]}, and the period is of {year}")
    return found


def _listed(name: str, table: dict[str, Any]) -> ListedMeasure:
    return ListedMeasure(
        name,
        table["quality_id"],
        table["specification"],
        tuple(
            Rate(
                rate.get("name"),
                {code: rate[text] for text, code in _POPULATIONS.items() if text in rate},
                tuple(rate.get("strata", ())),
            )
            for rate in table["rates"]
        ),
        table.get("summed", False),
        tuple(table.get("stratum_names", ())),
    )
