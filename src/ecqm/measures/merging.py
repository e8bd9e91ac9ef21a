"""Results of several batches of patients as those of one, in the order of the batches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ecqm.measures.criteria import Mask
from ecqm.measures.evaluation import GroupResult, StratifierResult, Stratum
from ecqm.measures.units import Units


def merged_groups(batches: Sequence[Sequence[GroupResult]]) -> tuple[GroupResult, ...]:
    """The groups of a measure over all batches, each batch having all groups in the same order."""
    return tuple(merged(parts) for parts in zip(*batches, strict=True))


def merged(parts: Sequence[GroupResult]) -> GroupResult:
    """One group over all batches. The patients of a batch come after those of the batches before it, and so do the
    keys of its episodes: the same key in two batches is two episodes."""
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    return GroupResult(
        first.group,
        _units([part.units for part in parts]),
        {name: np.concatenate([part.members[name] for part in parts]) for name in first.members},
        {name: np.concatenate([part.observations[name] for part in parts]) for name in first.observations},
        tuple(
            _stratifier([part.stratifiers[place] for part in parts], parts) for place in range(len(first.stratifiers))
        ),
    )


def key_offsets(units: Sequence[Units]) -> list[int]:
    """What is added to the episode keys of each batch when batches are merged."""
    sizes = [0 if each.key is None or not len(each.key) else int(each.key.max()) + 1 for each in units]
    return [0, *np.cumsum(sizes[:-1]).tolist()]


def _units(parts: Sequence[Units]) -> Units:
    starts = [0, *np.cumsum([part.n_patients for part in parts]).tolist()]
    patient = np.concatenate([part.patient + start for part, start in zip(parts, starts, strict=False)])
    if parts[0].key is None:
        return Units(starts[-1], patient)
    keys = [part.key + offset for part, offset in zip(parts, key_offsets(parts), strict=True) if part.key is not None]
    return Units(starts[-1], patient, np.concatenate(keys))


def _stratifier(results: Sequence[StratifierResult], parts: Sequence[GroupResult]) -> StratifierResult:
    """The strata of all batches; a batch that lacks a stratum has no unit in it."""
    values = dict.fromkeys(stratum.values for result in results for stratum in result.strata)

    def selected(wanted: tuple[str, ...]) -> Mask:
        masks = []
        for result, part in zip(results, parts, strict=True):
            found = [stratum.selected for stratum in result.strata if stratum.values == wanted]
            masks.append(found[0] if found else np.zeros(len(part.units), np.bool_))
        return np.concatenate(masks)

    strata = tuple(Stratum(wanted, selected(wanted)) for wanted in values)
    return StratifierResult(results[0].stratifier, strata, all(result.criteria_based for result in results))
