"""The terms of HQMF and its tools, mapped to those of `ecqm.measures.definition`."""

from __future__ import annotations

from ecqm.measures.definition import Aggregate, PopulationCode

# The populations of HQMF by their usual abbreviations, in the order in which they are drawn from one another.
POPULATIONS = {
    "IPP": PopulationCode.INITIAL_POPULATION,
    "DENOM": PopulationCode.DENOMINATOR,
    "DENEX": PopulationCode.DENOMINATOR_EXCLUSION,
    "NUMER": PopulationCode.NUMERATOR,
    "NUMEX": PopulationCode.NUMERATOR_EXCLUSION,
    "DENEXCEP": PopulationCode.DENOMINATOR_EXCEPTION,
    "MSRPOPL": PopulationCode.MEASURE_POPULATION,
    "MSRPOPLEX": PopulationCode.MEASURE_POPULATION_EXCLUSION,
}
# The basis of groups that count episodes of a type not yet known, and of groups that do not state what they count.
EPISODES = "Episode"
UNSTATED = ""

_AGGREGATES = {aggregate.name: aggregate for aggregate in Aggregate} | {
    "MEAN": Aggregate.AVERAGE,
    "MIN": Aggregate.MINIMUM,
    "MAX": Aggregate.MAXIMUM,
}


def aggregate_called(name: str | None) -> Aggregate | None:
    """The method by which observations are aggregated, by its name in HQMF (`MEDIAN`); None for an unknown name."""
    return _AGGREGATES.get((name or "").upper())


def instant(text: str | None) -> str | None:
    """HQMF's `201201010000` as an ISO 8601 instant; None for the year 0000, which stands for any year."""
    if not text or len(text) < 8 or text.startswith("0000"):
        return None
    day = f"{text[:4]}-{text[4:6]}-{text[6:8]}"
    return f"{day}T{text[8:10]}:{text[10:12]}" if len(text) >= 12 else day
