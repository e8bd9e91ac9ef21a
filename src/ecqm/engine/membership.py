"""Membership in value sets (`elm:23.8`, `elm:23.2`), and what filters of retrieves accept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ecqm.columns import (
    BooleanColumn,
    ChoiceColumn,
    CodeColumn,
    Column,
    ConceptColumn,
    ListColumn,
    Mask,
    NullColumn,
    Rows,
    StringColumn,
    to_values,
)
from ecqm.engine.executor import EvaluationError, Executor, evaluates
from ecqm.engine.frame import Frame
from ecqm.kernels.segments import any_within, representatives
from ecqm.plan.nodes import Constant, InValueSet, PlanNode
from ecqm.values import Code, Concept, ValueSet


@dataclass(frozen=True)
class AcceptedCodes:
    """The codes that a filter accepts: `mask`, indexed by code id, and `strings`, the codes without their systems."""

    mask: Mask
    strings: Callable[[], frozenset[str]]


def accepted(executor: Executor, filter_: Any) -> AcceptedCodes:
    """The codes that a filter accepts: a value set, a code, a concept, a string (a code of any system), or a list of
    these. Null accepts none. Raises EvaluationError for anything else."""
    if isinstance(filter_, ValueSet):
        identity = (filter_.id, filter_.version)
        return AcceptedCodes(executor.terminology.table(*identity), lambda: executor.terminology.strings(*identity))
    known: list[tuple[str | None, str]] = []
    texts: set[str] = set()
    for term in _terms(filter_):
        if isinstance(term, str):
            texts.add(term)
        elif term.code is not None:
            known.append((term.system, term.code))
    index = executor.terminology.codes
    ids = [index.intern(*code) for code in known]
    mask = np.zeros(len(index), np.bool_)
    mask[ids] = True
    if texts:
        mask |= np.array([code in texts for _, code in index.since(0)], np.bool_)
    return AcceptedCodes(mask, lambda: frozenset(code for _, code in known) | texts)


def _terms(filter_: Any) -> Iterator[Code | str]:
    """The codes and strings of a filter."""
    if isinstance(filter_, tuple):
        for each in filter_:
            yield from _terms(each)
    elif isinstance(filter_, Concept):
        yield from filter(None, filter_.codes)
    elif isinstance(filter_, (Code, str)):
        yield filter_
    elif filter_ is not None:
        raise EvaluationError(f"a retrieve cannot be filtered by {type(filter_).__name__}, which is no code")


def missing(executor: Executor, node: PlanNode, filter_: Any) -> str | None:
    """The message for a value set that is not available; None for others.

    Of value sets that the logic declares nothing is said: those that are missing are reported before a run.
    """
    if isinstance(node, Constant) or not isinstance(filter_, ValueSet):
        return None
    if executor.terminology.has(filter_.id, filter_.version):
        return None
    return f"value set {'|'.join(filter(None, (filter_.id, filter_.version)))} is not available"


def by_filter(executor: Executor, node: PlanNode, frame: Frame) -> tuple[list[Any], Rows]:
    """The different values of a filter over a frame, and for each row the place of its own among them.

    Rows whose value set is not available fail; their filter is null.
    """
    column = executor.value(node, frame)
    rows, place = representatives(column.broadcast(frame.n).keys())
    values = list(to_values(column.broadcast(frame.n).take(rows)))
    for number, value in enumerate(values):
        message = missing(executor, node, value)
        if message is not None:
            executor.fail(place == number, frame, message)
            values[number] = None
    return values, place


@evaluates(InValueSet)
def membership(executor: Executor, node: InValueSet, frame: Frame) -> Column:
    column = executor.value(node.operand, frame)
    if isinstance(node.value_set, Constant):
        return _in_value_set(executor, column, node.value_set.value)
    values, place = by_filter(executor, node.value_set, frame)
    if len(values) == 1:
        return _in_value_set(executor, column, values[0])
    column = column.broadcast(frame.n)
    is_true, is_false = np.zeros(frame.n, np.bool_), np.zeros(frame.n, np.bool_)
    for number, value in enumerate(values):
        rows = np.flatnonzero(place == number)
        found = _in_value_set(executor, column.take(rows), value)
        is_true[rows], is_false[rows] = found.is_true, found.is_false
    return BooleanColumn(is_true, is_false)


def _in_value_set(executor: Executor, column: Column, value_set: Any) -> BooleanColumn:
    """Whether codes are in one value set: false for null, and null where there is no value set to look in."""
    if value_set is None:
        return BooleanColumn(np.zeros(len(column), np.bool_), ~column.valid)
    if not isinstance(value_set, ValueSet):
        raise EvaluationError("the second operand of a membership is not a value set")
    return BooleanColumn.of(with_member(column, accepted(executor, value_set)))


def member_mask(ids: npt.NDArray[np.integer], members: Mask) -> Mask:
    """Mask of the `ids` for which `members` (indexed by code id) holds. An id beyond it belongs to a code that was new
    after the mask was made, and so is in no value set."""
    known = (ids >= 0) & (ids < len(members))
    return members[np.where(known, ids, 0)] & known if len(members) else known & False


def with_member(column: Column, members: AcceptedCodes) -> Mask:
    """Mask of the rows whose code, concept or string (a code of any system), or any of a list of them, is a member;
    false for null. Raises EvaluationError for values of other types."""
    found = _with_member(column, members)
    if found is None:
        raise EvaluationError(f"values of type {column.type} hold no codes")
    return found


def _with_member(column: Column, members: AcceptedCodes) -> Mask | None:
    """As `with_member`, but None for values of other types. Of a choice, these are not members."""
    n = len(column)
    if isinstance(column, NullColumn):
        return np.zeros(n, np.bool_)
    if isinstance(column, CodeColumn):
        return member_mask(column.ids, members.mask)
    if isinstance(column, ConceptColumn):
        return any_within(member_mask(column.codes.ids, members.mask), column.parents, n) & column.valid
    if isinstance(column, StringColumn):
        return column.matches(members.strings().__contains__)
    if isinstance(column, ListColumn):
        found = _with_member(column.values, members)
        return None if found is None else any_within(found, column.parents, n)
    if isinstance(column, ChoiceColumn):
        masks = [_with_member(part, members) for part in column.alternatives]
        known = [mask for mask in masks if mask is not None]
        return np.logical_or.reduce(known) if known else None
    return None
