"""Retrieve, by type, profile and code (`elm:11.1`)."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ecqm.columns import ChoiceColumn, Column, ListColumn, NullColumn, ResourceColumn, Rows, coalesce_rows
from ecqm.engine.code_index import code_rows
from ecqm.engine.elements import part_of
from ecqm.engine.executor import EvaluationError, Executor, evaluates
from ecqm.engine.frame import Frame
from ecqm.engine.interfaces import Cohort, Table
from ecqm.engine.membership import accepted, by_filter, with_member
from ecqm.kernels.segments import gather
from ecqm.plan.nodes import Constant, Retrieve
from ecqm.types import NamedType

_REFERENCE = NamedType("FHIR", "Reference")


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


def _taken(executor: Executor, table: Table, node: Retrieve, rows: Rows) -> Rows:
    """Those of some rows that a retrieve finds: not contained, and of its type and profile."""
    rows = rows[~table.contained[rows]]
    return rows[executor.profiles.matching(table, node.resource_type, node.profile, rows)]


def _filtered(executor: Executor, table: Table, node: Retrieve) -> Rows:
    """The rows that pass the code filter of a retrieve, which depends on no patient."""
    if node.codes is None or node.code_property is None:
        return np.arange(len(table))
    if isinstance(node.codes, Constant):
        return _with_codes(executor, table, node.code_property, node.codes.value)
    (value,), _ = by_filter(executor, node.codes, executor.once)
    return _with_codes(executor, table, node.code_property, value)


def _filtered_by_row(executor: Executor, node: Retrieve, table: Table, frame: Frame) -> Column:
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


def _with_codes(executor: Executor, table: Table, code_property: str, filter_: Any) -> Rows:
    """The rows of a table with a code that a filter accepts at an element, in order."""
    path = executor.profiles.code_property(code_property)
    column = partial(_codes_at, executor.cohort, table, path)
    index = code_rows(table, path, column)
    # Only after the column is read: its codes get their ids then, and the mask of members has to cover them.
    members = accepted(executor, filter_)
    return np.flatnonzero(with_member(column(), members)) if index is None else index.having(members.mask)


def _codes_at(cohort: Cohort, table: Table, path: str) -> Column:
    """The values at a path of names, separated by dots, for all rows of a table; references give the codes of the
    resources that they lead to."""
    first, *rest = path.split(".")
    try:
        column = table.element(first)
    except KeyError:
        return NullColumn(len(table))
    for name in rest:
        column = part_of(column, name)
    return _dereferenced(cohort, column, table.patient, table.serial)


def _dereferenced(cohort: Cohort, column: Column, patients: Rows, serials: Rows) -> Column:
    """A column (n) with the codes of Medications instead of references to them; `patients` and `serials` (n) are those
    of the resources that the values are in."""
    if isinstance(column, ListColumn):
        inner = _dereferenced(cohort, column.values, patients[column.parents], serials[column.parents])
        return column.with_values(inner)
    if isinstance(column, ChoiceColumn):
        return coalesce_rows([_dereferenced(cohort, part, patients, serials) for part in column.alternatives])
    if column.type != _REFERENCE:
        return column
    rows = cohort.resolve(column, patients, "Medication", serials)
    found = (rows >= 0).any()
    return cohort.table("Medication").element("code").pick(rows) if found else NullColumn(len(column))
