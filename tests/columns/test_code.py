"""Codes and concepts: compared by system and code; displays and versions come along."""

from __future__ import annotations

import numpy as np

from ecqm.columns import CodeColumn, ConceptColumn, from_values, to_values
from ecqm.terminology import CodeIndex
from ecqm.values import Code, Concept

CODES = CodeIndex()


def codes(*values: Code | None) -> CodeColumn:
    column = from_values(list(values), CODES)
    assert isinstance(column, CodeColumn)
    return column


def test_codes_that_match_are_found_by_system_and_code() -> None:
    column = codes(Code("x", "s"), None, Code("x", "t"))
    assert column.matches(lambda system, code: (system, code) == ("t", "x")).tolist() == [False, False, True]


def test_displays_come_along_where_only_one_side_has_them() -> None:
    plain, named = codes(Code("a", "s")), codes(Code("a", "s", display="A"), Code("b", "s", "1"))
    joined = plain.concat([named])
    assert to_values(joined) == [Code("a", "s"), Code("a", "s", display="A"), Code("b", "s", "1")]
    assert joined.ids[0] == joined.ids[1]


def test_a_concept_keeps_its_codes_when_rows_are_taken() -> None:
    concepts = [Concept((Code("a", "s"), Code("b", "s")), "both"), None, Concept(())]
    column = from_values(concepts, CODES)
    assert isinstance(column, ConceptColumn)
    assert to_values(column.take(np.array([2, 0, 1, 0]))) == [concepts[2], concepts[0], None, concepts[0]]


def test_nulls_are_made_from_an_empty_column_of_concepts_with_displays() -> None:
    column = from_values([Concept((Code("a", "s"),), "A")], CODES).take(np.zeros(0, np.int64))
    assert len(column.nulls(3).keys()) == 3
    assert to_values(column.pick(np.array([-1, -1]))) == [None, None]
