"""Retrieves: the resources of a type, by profile and by code (`elm:11.1`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ecqm.columns import (
    POOL,
    BooleanColumn,
    ChoiceColumn,
    CodeColumn,
    Column,
    ConceptColumn,
    ListColumn,
    Mask,
    NullColumn,
    RecordColumn,
    ResourceColumn,
    Rows,
    StringColumn,
    to_values,
)
from ecqm.engine.code_index import code_rows
from ecqm.engine.executor import EvaluationError, Executor, evaluates
from ecqm.engine.frame import Frame
from ecqm.engine.values import part_of
from ecqm.kernels.segments import any_within, distinct
from ecqm.plan.nodes import Membership, PlanNode, Retrieve
from ecqm.types import NamedType
from ecqm.values import Code, Concept, ValueSet


@evaluates(Retrieve)
def retrieve(executor: Executor, node: Retrieve, frame: Frame) -> Column:
    retrieved = NamedType(*node.resource_type.split(".", 1))
    instances = executor.profiles.instances(retrieved)
    table = executor.cohort.table(instances.name)
    if node.codes is not None and node.code_property is not None:
        rows = _matching_codes(executor, table, node)
    else:
        rows = np.arange(len(table))
    rows = rows[~table.contained[rows]]
    rows = rows[executor.profiles.matching(table, retrieved, node.profile, rows)]
    resources = ResourceColumn(table, rows, instances)
    if node.unfiltered:
        return ListColumn(np.array([0, len(rows)]), resources)
    return ListColumn.of_parents(table.patient[rows], resources, executor.cohort.n)


def _matching_codes(executor: Executor, table: Any, node: Retrieve) -> Rows:
    assert node.codes is not None and node.code_property is not None
    path = executor.profiles.code_property(node.code_property)
    column = _column_at(table, path)
    # The codes of a column are numbered when it is read: only then is it known how far a look-up table must reach.
    members = _members(executor, node.codes)
    index = code_rows(table, path, column)
    if index is not None:
        return index.having(members.mask)
    return np.flatnonzero(_any_member(executor, column, members, table.patient, table.serial))


def _column_at(table: Any, path: str) -> Column:
    """The values of an element for all rows of a table; `path` may lead into it."""
    first, *rest = path.split(".")
    try:
        column: Column = table.element(first)
    except KeyError:
        return NullColumn(len(table))
    for name in rest:
        column = part_of(column, name)
    return column


@dataclass(frozen=True)
class Members:
    """What a filter by codes accepts: a mask over the ids of codes, and the strings that are a code of any system."""

    mask: Mask
    strings: Callable[[], frozenset[str]]


def _members(executor: Executor, codes: PlanNode) -> Members:
    """What a code filter accepts, from a value set, or codes written out."""
    values = to_values(executor.value(codes, executor.once))[0]
    if isinstance(values, ValueSet):
        return _of_value_set(executor, values)
    accepted: list[Code | None] = []
    for value in values if isinstance(values, tuple) else (values,):
        accepted += value.codes if isinstance(value, Concept) else [value]
    known = [(code.system, code.code) for code in accepted if code is not None and code.code is not None]
    index = executor.terminology.codes
    ids = [index.intern(*code) for code in known]
    mask = np.zeros(len(index), np.bool_)
    mask[ids] = True
    return Members(mask, lambda: frozenset(code for _, code in known))


def _of_value_set(executor: Executor, value_set: ValueSet) -> Members:
    identity = (value_set.id, value_set.version)
    return Members(executor.terminology.table(*identity), lambda: executor.terminology.strings(*identity))


def member_mask(ids: npt.NDArray[np.integer], members: Mask) -> Mask:
    """Which code ids are members; ids newer than the table are of codes that the value set does not have."""
    known = (ids >= 0) & (ids < len(members))
    return members[np.where(known, ids, 0)] & known if len(members) else known & False


def _any_member(executor: Executor, column: Column, members: Members, patients: Rows, serials: Rows) -> Mask:
    """For each row: does its code, or any of its codes, belong to `members`? References lead to their resource's."""
    n = len(column)
    if isinstance(column, NullColumn):
        return np.zeros(n, np.bool_)
    if isinstance(column, CodeColumn):
        return member_mask(column.ids, members.mask)
    if isinstance(column, ConceptColumn):
        return any_within(member_mask(column.codes.ids, members.mask), column.parents, n) & column.valid
    if isinstance(column, ListColumn):
        found = _any_member(executor, column.values, members, patients[column.parents], serials[column.parents])
        return any_within(found, column.parents, n)
    if isinstance(column, ChoiceColumn):
        found = np.zeros(n, np.bool_)
        for part in column.alternatives:
            found |= _any_member(executor, part, members, patients, serials)
        return found
    if isinstance(column, RecordColumn) and column.type == NamedType("FHIR", "Reference"):
        return _referenced_member(executor, column, members, patients, serials)
    if isinstance(column, StringColumn):
        ids, places = distinct(column.ids)
        accepted = members.strings()
        wanted = np.array([i >= 0 and POOL.strings[i] in accepted for i in ids.tolist()], np.bool_)
        return wanted[places]
    raise EvaluationError(f"a retrieve filters by an element of type {column.type}, which holds no codes")


def _referenced_member(
    executor: Executor, column: RecordColumn, members: Members, patients: Rows, serials: Rows
) -> Mask:
    """A medication given by reference is matched by the code of the Medication."""
    rows = executor.cohort.resolve(column, patients, "Medication", serials)
    if (rows < 0).all():
        return np.zeros(len(column), np.bool_)
    code = executor.cohort.table("Medication").element("code").pick(rows)
    return _any_member(executor, code, members, patients, serials)


@evaluates(Membership)
def membership(executor: Executor, node: Membership, frame: Frame) -> Column:
    column = executor.value(node.operand, frame)
    value_set = to_values(executor.value(node.value_set, executor.once))[0]
    if not isinstance(value_set, ValueSet):
        raise EvaluationError("membership is asked in what is not a value set")
    return BooleanColumn.of(in_members(executor, column, _of_value_set(executor, value_set)))


def in_members(executor: Executor, column: Column, members: Members) -> Mask:
    """Membership of codes, concepts, strings (codes of any system), or any of a list of them; null is in none."""
    n = len(column)
    if isinstance(column, ListColumn):
        return any_within(in_members(executor, column.values, members), column.parents, n)
    if isinstance(column, ChoiceColumn):
        found = np.zeros(n, np.bool_)
        for part in column.alternatives:
            if isinstance(part, (CodeColumn, ConceptColumn, StringColumn)):
                found |= in_members(executor, part, members)
        return found
    none = np.zeros(n, np.int64)
    return _any_member(executor, column, members, none, none)
