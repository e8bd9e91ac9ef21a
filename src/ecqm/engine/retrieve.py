"""Retrieve, by type, profile and code (`elm:11.1`), and membership in value sets (`elm:23.8`, `elm:23.2`)."""

from __future__ import annotations

from collections.abc import Callable
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
from ecqm.kernels.segments import any_within
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
    # Only after the column is read: its codes get their ids then, and the mask of members has to cover them.
    members = _members(executor, node.codes)
    index = code_rows(table, path, column)
    if index is not None:
        return index.having(members.mask)
    return np.flatnonzero(_any_member(executor, column, members, table.patient, table.serial))


def _column_at(table: Any, path: str) -> Column:
    """The values at a path of names, separated by dots, for all rows of a table."""
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
    """The codes that a filter accepts: `mask`, indexed by code id, and `strings`, the codes without their systems."""

    mask: Mask
    strings: Callable[[], frozenset[str]]


def _members(executor: Executor, codes: PlanNode) -> Members:
    """The codes that a filter accepts, which is a value set, a code, a concept, or a list of codes."""
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
    """Mask of the `ids` for which `members` (indexed by code id) holds. An id beyond it belongs to a code that was new
    after the mask was made, and so is in no value set."""
    known = (ids >= 0) & (ids < len(members))
    return members[np.where(known, ids, 0)] & known if len(members) else known & False


def _any_member(executor: Executor, column: Column, members: Members, patients: Rows, serials: Rows) -> Mask:
    """Mask of the rows whose code, or any of whose codes, is a member; a reference has the code of its resource."""
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
        return column.matches(members.strings().__contains__)
    raise EvaluationError(f"a retrieve filters by an element of type {column.type}, which holds no codes")


def _referenced_member(
    executor: Executor, column: RecordColumn, members: Members, patients: Rows, serials: Rows
) -> Mask:
    """Mask of the rows whose reference leads to a Medication with a code that is a member."""
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
        raise EvaluationError("the second operand of a membership is not a value set")
    return BooleanColumn.of(in_members(executor, column, _of_value_set(executor, value_set)))


def in_members(executor: Executor, column: Column, members: Members) -> Mask:
    """Mask of the rows whose code, concept or string (a code of any system), or any of a list of them, is a member;
    false for null."""
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
