"""The measures that a store is loaded for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ecqm.bundles.content import Content
from ecqm.bundles.evaluation.planning import Planner
from ecqm.bundles.evaluation.selection import CannotPlan
from ecqm.bundles.specifications.specification import with_logic
from ecqm.cli.contents import measures_of, open_content
from ecqm.cli.terminal import warn
from ecqm.data import Demand
from ecqm.data.store.store import open_store
from ecqm.measures.definition import Measure


class LoadedMeasures:
    """The measures of a content that a store is loaded for, or those named; `demand` has the elements that they use, in
    resources of any type. A measure that cannot be planned is reported and left out."""

    def __init__(
        self, content: Path, names: Sequence[str], libraries: Sequence[Path], valuesets: Sequence[Path]
    ) -> None:
        self._content: Content = open_content(content, libraries, valuesets)
        self._measures: list[Measure] = []
        self.demand = Demand.of(None, ())
        planner = Planner(self._content)
        for measure in with_logic(self._content, measures_of(self._content, names)):
            try:
                self.demand |= planner.plan(measure).demand
            except CannotPlan as error:
                warn(f"no columns for {measure.name}: {error}")
            else:
                self._measures.append(measure)

    def unknown_codes(self, store: Path) -> dict[str, int]:
        """How many codes the store has, and how many of them are in no value set of the measures."""
        value_sets = {name for measure in self._measures for name in self._content.closure(measure).value_sets()}
        known = {
            code
            for name in value_sets
            if (found := self._content.value_sets.find(name)) is not None
            for code in found.codes
        }
        codes = {code for shard in open_store(store).shards for code in shard.codes()}
        return {"codes": len(codes), "codes_outside_value_sets": len(codes - known)}
