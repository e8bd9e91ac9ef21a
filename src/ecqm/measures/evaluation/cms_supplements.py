"""Supplemental data of the members of populations: sex, race, ethnicity and payer (Quality Measure IG, "Supplemental
Data Elements"; QRDA Category III, supplemental data).

Combinations of codes are counted, so that a patient with two races, or two payers of one kind, remains one patient.
There are few combinations, however many patients there are.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from ecqm.columns import (
    ChoiceColumn,
    CodeColumn,
    Column,
    ConceptColumn,
    ListColumn,
    RecordColumn,
    ResourceColumn,
)
from ecqm.engine import Executor
from ecqm.kernels.arrays import Mask, Rows
from ecqm.kernels.segments import offsets_of_parents, representatives, segment_keys
from ecqm.measures.definition import SupplementalData
from ecqm.measures.evaluation.planning import EvaluationPlan
from ecqm.measures.evaluation.supplements import supplemental_columns
from ecqm.measures.scoring.groups import GroupResult
from ecqm.plan.nodes import Node


class SupplementalElement(StrEnum):
    """The supplemental data that CMS asks for with every eCQM."""

    SEX = "sex"
    RACE = "race"
    ETHNICITY = "ethnicity"
    PAYER = "payer"


# The usual names of the definitions: "SDE Race"; "SDE Payer" or "SDE Payer Type"; "SDE Sex", in older measures "SDE ONC
# Administrative Sex".
_NAMED = re.compile(r"SDE\b.*\b(Sex|Race|Ethnicity|Payer)(?: Type)?", re.IGNORECASE)

Counted = tuple[str, str, str]
"""Population id, element, and a combination of codes as JSON: [[system, code], …], in order."""


def element_of(supplement: SupplementalData) -> SupplementalElement | None:
    """The element that supplemental data of a measure are, by the name of the definition; None for any other."""
    match = _NAMED.fullmatch(supplement.expression)
    return SupplementalElement(match[1].lower()) if match else None


@dataclass(frozen=True)
class PatientCodes:
    """The codes that patients have of an element.

    `combination` has shape (patients,) and is the index of a patient's codes in `combinations`, each of which has
    distinct codes (system, code) in order.
    """

    combination: Rows
    combinations: tuple[tuple[tuple[str, str], ...], ...]


def evaluate_patient_codes(
    plan: EvaluationPlan, executor: Executor, known: dict[Node, PatientCodes], not_evaluated: dict[str, str]
) -> dict[SupplementalElement, PatientCodes]:
    """The codes of all patients for the elements that the measure defines.

    `known` caches codes by plan node: most measures share the definitions of one library. Elements that cannot be
    evaluated are left out; the reasons are added to `not_evaluated`, by name.
    """
    elements = {s.id: element for s in plan.measure.supplemental_data if (element := element_of(s)) is not None}
    found = {}
    # The executor evaluates a shared node once, but reports its errors for each measure.
    for supplement, node, column in supplemental_columns(plan, executor, not_evaluated, elements):
        if node not in known:
            known[node] = patient_codes(column, executor.cohort.n)
        found[elements[supplement.id]] = known[node]
    return found


def patient_codes(column: Column, n: int) -> PatientCodes:
    """The codes within the values of a define, one value per patient (n): those in concepts and tuples; of QDM data
    elements, their code."""
    numbers: dict[tuple[str, str], int] = {}
    patients, codes = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for rows, leaf in _code_columns(column.broadcast(n), np.arange(n)):
        ids, which = np.unique(leaf.ids[leaf.valid], return_inverse=True)
        own = [numbers.setdefault(leaf.index.code(code_id), len(numbers)) for code_id in ids.tolist()]
        patients.append(rows[leaf.valid])
        codes.append(np.array(own, np.int64)[which])
    # Codes are numbered in their order, so that the same codes make the same combination in every batch.
    ordered = sorted(numbers)
    rank = np.empty(len(numbers), np.int64)
    rank[[numbers[code] for code in ordered]] = np.arange(len(ordered))
    pairs = np.unique(np.concatenate(patients) * len(ordered) + rank[np.concatenate(codes)])
    parents, code = np.divmod(pairs, max(len(ordered), 1))
    offsets = offsets_of_parents(parents, n)
    example, combination = representatives(segment_keys(offsets, code))
    return PatientCodes(
        combination,
        tuple(tuple(ordered[at] for at in code[offsets[row] : offsets[row + 1]]) for row in example.tolist()),
    )


def _code_columns(column: Column, patients: Rows) -> Iterator[tuple[Rows, CodeColumn]]:
    """The codes within a column, with the patient of each."""
    if isinstance(column, CodeColumn):
        yield patients, column
    elif isinstance(column, ConceptColumn):
        yield from _within(column.parents, column.valid, column.codes, patients)
    elif isinstance(column, ListColumn):
        yield from _within(column.parents, column.valid, column.values, patients)
    elif isinstance(column, ChoiceColumn):
        for alternative in column.alternatives:
            yield from _code_columns(alternative, patients)
    elif isinstance(column, RecordColumn):
        for name in column.fields:
            yield from _code_columns(column.field(name), patients)
    elif isinstance(column, ResourceColumn) and column.table.model == "QDM":
        yield from _code_columns(column.field("code"), patients)


def _within(parents: Rows, valid: Mask, values: Column, patients: Rows) -> Iterator[tuple[Rows, CodeColumn]]:
    kept = np.flatnonzero(valid[parents])
    yield from _code_columns(values.take(kept), patients[parents[kept]])


def count_supplements(
    groups: Sequence[GroupResult], codes: Mapping[SupplementalElement, PatientCodes]
) -> dict[str, Counter[Counted]]:
    """By id of the group, how many patients of each population have which codes; a patient with several episodes is
    counted once."""
    found = {}
    for group in groups:
        counter: Counter[Counted] = Counter()
        for population in group.group.criteria:
            members = group.counts(population.id) > 0
            for element, of_patients in codes.items():
                counts = np.bincount(of_patients.combination[members], minlength=len(of_patients.combinations))
                for combination in np.flatnonzero(counts).tolist():
                    key = (population.id, element.value, json.dumps(of_patients.combinations[combination]))
                    counter[key] = int(counts[combination])
        found[group.group.id] = counter
    return found
