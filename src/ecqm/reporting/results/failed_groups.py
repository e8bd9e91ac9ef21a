"""Groups without results, because they could not be evaluated for some patients: those for whom they could be evaluated
are taken out of the results that name patients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from ecqm.measures.definition import Measure
from ecqm.measures.results.fhir_elements import Json
from ecqm.reporting.results.parts import Part

_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True)
class FailedGroups:
    """Groups by their ids, each with the name or canonical of its measure."""

    by_name: frozenset[tuple[str, str]] = frozenset()
    by_canonical: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def of(cls, total: Part, measures: Mapping[str, Measure]) -> FailedGroups:
        """The groups of `measures`, by canonical, that have no results in `total`."""
        counted = {
            (measure.canonical, group.id) for measure, _ in total.results_of(measures) for group in measure.groups
        }
        failed = [
            (measure, group.id)
            for measure in measures.values()
            for group in measure.groups
            if (measure.canonical, group.id) not in counted
        ]
        return cls(
            frozenset((measure.name, group) for measure, group in failed),
            frozenset((measure.canonical, group) for measure, group in failed),
        )

    def __bool__(self) -> bool:
        return bool(self.by_name)

    def out_of(self, table: Any) -> Any:
        """A `pyarrow.Table` of populations without the rows of these groups."""
        names = pc.binary_join_element_wise(table["measure"], table["group"], "\n")
        failed = pa.array(["\n".join(each) for each in self.by_name], pa.string())
        return table.filter(pc.invert(pc.is_in(names, value_set=failed)))

    def out_of_file(self, path: Path, target: Path) -> None:
        """Write the table of a file without the rows of these groups. Raises OSError."""
        pyarrow.parquet.write_table(self.out_of(pyarrow.parquet.read_table(path)), target, compression="zstd")

    def out_of_reports(self, lines: Iterable[bytes]) -> Iterable[bytes]:
        """Lines with MeasureReports without these groups; a report that has no other group is left out."""
        for line in lines:
            report: Json = _decode(line)
            kept = [each for each in report["group"] if (report["measure"], each["id"]) not in self.by_canonical]
            if len(kept) == len(report["group"]):
                yield line
            elif kept:
                yield msgspec.json.encode(report | {"group": kept}) + b"\n"
