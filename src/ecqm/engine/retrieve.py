"""Retrieve, by type, profile and code (`elm:11.1`)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ecqm.columns import Column, ListColumn, NullColumn, ResourceColumn, Rows
from ecqm.engine.code_index import code_rows
from ecqm.engine.elements import part_of
from ecqm.engine.executor import EvaluationError, Executor, evaluates
from ecqm.engine.frame import Frame
from ecqm.engine.membership import accepted, any_member, by_filter
from ecqm.kernels.segments import gather
from ecqm.plan.nodes import Constant, Retrieve


@evaluates(Retrieve)
def retrieve(executor: Executor, node: Retrieve, frame: Frame) -> Column:
    instances = executor.profiles.instances(node.resource_type)
    table = executor.cohort.table(instances.name)
    if node.codes is not None and (node.codes.free or node.codes.patient):
        return _filtered_by_row(executor, node, table, frame)
    rows = _taken(executor, table, node, _filtered(executor, table, node))
    resources = ResourceColumn(table, rows, instances)
    if node.unfiltered:
        return ListColumn(np.array([0, len(rows)]), resources)
    return ListColumn.of_parents(table.patient[rows], resources, executor.cohort.n)


def _taken(executor: Executor, table: Any, node: Retrieve, rows: Rows) -> Rows:
    """Those of some rows that a retrieve finds: not contained, and of its type and profile."""
    rows = rows[~table.contained[rows]]
    return rows[executor.profiles.matching(table, node.resource_type, node.profile, rows)]


def _filtered(executor: Executor, table: Any, node: Retrieve) -> Rows:
    """The rows that pass the code filter of a retrieve, which depends on no patient."""
    if node.codes is None or node.code_property is None:
        return np.arange(len(table))
    if isinstance(node.codes, Constant):
        return _with_codes(executor, table, node.code_property, node.codes.value)
    (value,), _ = by_filter(executor, node.codes, executor.once)
    return _with_codes(executor, table, node.code_property, value)


def _filtered_by_row(executor: Executor, node: Retrieve, table: Any, frame: Frame) -> Column:
    """The resources found for each row of a frame, where the code filter depends on the row or its patient. Each
    different filter is applied once, and counted as a lifted operator is."""
    if node.codes is None or node.code_property is None or node.unfiltered:
        raise EvaluationError("a retrieve of all patients' resources cannot be filtered by what depends on a patient")
    executor.lifted["Retrieve"] += 1
    patients = frame.rows_in(executor.patients)
    found: list[Rows] = []
    parents: list[Rows] = []
    values, place = by_filter(executor, node.codes, frame)
    for number, value in enumerate(values):
        rows = _taken(executor, table, node, _with_codes(executor, table, node.code_property, value))
        of_patients = np.searchsorted(table.patient[rows], np.arange(executor.cohort.n + 1))
        here = np.flatnonzero(place == number)
        offsets, elements = gather(of_patients, patients[here])
        found.append(rows[elements])
        parents.append(np.repeat(here, np.diff(offsets)))
    of_rows = np.concatenate(parents) if parents else np.zeros(0, np.int64)
    order = np.argsort(of_rows, kind="stable")
    rows = np.concatenate(found)[order] if found else of_rows
    resources = ResourceColumn(table, rows, executor.profiles.instances(node.resource_type))
    return ListColumn.of_parents(of_rows[order], resources, frame.n)


def _with_codes(executor: Executor, table: Any, code_property: str, filter_: Any) -> Rows:
    """The rows of a table with a code that a filter accepts at an element, in order."""
    path = executor.profiles.code_property(code_property)
    column = _column_at(table, path)
    # Only after the column is read: its codes get their ids then, and the mask of members has to cover them.
    members = accepted(executor, filter_)
    index = code_rows(table, path, column)
    if index is not None:
        return index.having(members.mask)
    return np.flatnonzero(any_member(executor, column, members, table.patient, table.serial))


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
