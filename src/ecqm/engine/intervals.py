"""The Interval selector (`elm:19.1`)."""

from __future__ import annotations

import numpy as np

from ecqm.columns import BooleanColumn, Column, IntervalColumn, Mask, broadcast_length, choose, from_values
from ecqm.engine.calls import apply
from ecqm.engine.executor import Executor, evaluates, truth
from ecqm.engine.frame import Frame
from ecqm.engine.values import interval_of, system_type
from ecqm.plan.nodes import MakeInterval
from ecqm.terminology import CodeIndex
from ecqm.types import CqlType
from ecqm.values.steps import maximum, minimum

_BACKWARDS = "an interval cannot end before it starts"


@evaluates(MakeInterval)
def make_interval(executor: Executor, node: MakeInterval, frame: Frame) -> Column:
    parts = [executor.value(part, frame) for part in (node.low, node.high, node.low_closed, node.high_closed)]
    n = broadcast_length(*parts)
    low, high, low_closed, high_closed = (part.broadcast(n) for part in parts)
    made = interval_of(system_type(low), system_type(high), _closed(low_closed), _closed(high_closed))
    if node.point_type is not None:
        made = _for_all_time(made, node.point_type)
    if not node.patient and not node.free:
        # An interval that the logic states, and that ends before it starts, is an error. One computed from a patient's
        # data keeps its boundaries, as FHIRHelpers does for a Period: published test cases expect evaluation to go on
        # (docs/clarifications.md).
        ends = (apply(executor, bound, (made,), {}, frame) for bound in ("End", "Start"))
        executor.fail(truth(apply(executor, "Less", tuple(ends), {}, frame), n), frame, _BACKWARDS)
    return made


def _for_all_time(interval: IntervalColumn, type_: CqlType) -> IntervalColumn:
    """Closed boundaries that are both null replaced by the minimum and maximum of the point type that they stand for
    (CQL reference, Start and End). Later operators could not tell the type from the nulls."""
    boundless = interval.low_closed & interval.high_closed & ~interval.low.valid & ~interval.high.valid
    if not boundless.any():
        return interval
    first, last = (from_values([extreme], CodeIndex()) for extreme in (minimum(type_), maximum(type_)))
    low, high = choose(boundless, first, interval.low), choose(boundless, last, interval.high)
    return interval_of(low, high, interval.low_closed, interval.high_closed)


def _closed(column: Column) -> Mask:
    return column.is_true if isinstance(column, BooleanColumn) else np.zeros(len(column), np.bool_)
