"""The identifiers of a measure and its parts in QRDA Category III."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import NAMESPACE_URL, UUID, uuid5

from ecqm.reporting.results.counts import MeasureCount, Observed, PopulationCount, StratumCount
from ecqm.reporting.submissions.errors import SubmissionError
from ecqm.reporting.submissions.programs import ListedMeasure, Rate


@dataclass(frozen=True)
class Identifiers:
    """The UUIDs of a measure, its populations, strata and observations: those of the program, otherwise those of the
    measure's content. Parts of FHIR measures have no UUIDs: without a program they are derived from the measure's
    canonical and the names of the parts, so that they are the same in every document.

    Rates are numbered from 0. Raises SubmissionError for identifiers that a program requires and that are unknown.
    """

    measure: MeasureCount
    program: ListedMeasure | None = None

    @property
    def version(self) -> str:
        """Of this version of the measure."""
        own = self.measure.version_specific
        return self.program.specification if self.program else own or _named(self.measure.canonical)

    @property
    def all_versions(self) -> str | None:
        """Of all versions of the measure together, if it is known."""
        # Identifiers in FHIR measures are those of the FHIR versions; the program uses those of the QDM versions.
        own = None if self.program and not self._is_of_program else self.measure.version_independent
        return own if own is not None and _is_uuid(own) else None

    @property
    def _is_of_program(self) -> bool:
        own = self.measure.version_specific
        return own is not None and self.program is not None and own.lower() == self.program.specification.lower()

    def of_population(self, rate: int, population: PopulationCount) -> str:
        known = self._rate(rate)
        of_program = known.populations.get(population.code) if known else None
        return self._known(of_program or population.identifier, rate, population.id)

    def of_stratum(self, rate: int, place: int, stratum: StratumCount) -> str:
        """Of a stratum, the `place`-th of its rate."""
        known = self._rate(rate)
        of_program = known.strata[place] if known and place < len(known.strata) else None
        return self._known(of_program or stratum.identifier, rate, stratum.stratifier)

    def of_observation(self, rate: int, observed: Observed) -> str:
        return self._known(observed.identifier, rate, observed.id)

    def _rate(self, number: int) -> Rate | None:
        rates = self.program.rates if self.program else ()
        return rates[number] if number < len(rates) else None

    def _known(self, identifier: str | None, rate: int, own: str) -> str:
        if identifier is not None:
            return identifier
        if self.program is not None:
            raise SubmissionError(
                f"{self.measure.name}: CMS asks for the UUID of {own} in {self.program.ecqm}, which is not known here"
            )
        return _named(f"{self.measure.canonical}#{self.measure.groups[rate].id}/{own}")


def _named(text: str) -> str:
    return str(uuid5(NAMESPACE_URL, text))


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
