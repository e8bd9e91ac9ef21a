"""Evaluations that are sent to other processes look up the same terminology (`elm:23.7`, `elm:23.8`)."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from ecqm.bundles.content import Content
from ecqm.bundles.evaluation.batches import Evaluation
from ecqm.bundles.evaluation.selection import select
from ecqm.data.reading.files import read_files
from ecqm.terminology import CodeIndex, Membership, ValueSetSnapshot
from tests.bundles import visits
from tests.bundles.contents import VALUE_SET, value_set

CODE_SYSTEM = {
    "resourceType": "CodeSystem",
    "id": "s",
    "url": "http://s",
    "content": "complete",
    "concept": [{"code": "a", "concept": [{"code": "b"}]}],
}
DECLARED = f"""codesystem "S": 'http://s'
code "A": 'a' from "S"
valueset "VS": '{VALUE_SET}'
parameter "Measurement Period" """
FOUND = "System.Code { code: First([Observation]).code.coding[0].code.value, system: 'http://s' }"


def evaluation(root: Path, numerator: str) -> Evaluation:
    cql = visits.CQL.replace('parameter "Measurement Period" ', DECLARED, 1).replace("exists [Observation]", numerator)
    content = Content.open(visits.repository(root, visits.measure(), visits.library(cql)))
    visits.write(root / "input" / "vocabulary" / "terms.json", value_set("a"), CODE_SYSTEM)
    content = Content.open(root)
    return Evaluation(select(content, content.select()).plans, content.value_sets)


@pytest.mark.parametrize(
    ("numerator", "whole"),
    [
        (f'{FOUND} in "VS"', False),
        (f'{FOUND} in "S"', True),
        (f'Subsumes("A", {FOUND})', True),
        (f"{FOUND} in System.ValueSet {{ id: First([Observation]).status.value }}", True),
    ],
)
def test_results_are_the_same_elsewhere(tmp_path: Path, numerator: str, whole: bool) -> None:
    made = evaluation(tmp_path / "content", numerator)
    finding = visits.finding("p") | {"status": VALUE_SET, "code": {"coding": [{"system": "http://s", "code": "a"}]}}
    visits.write(tmp_path / "data" / "p.json", visits.patient("p"), visits.visit("p"), finding)
    sent = pickle.dumps(made.portable())
    # On another machine there are no files of the content.
    (tmp_path / "content").rename(tmp_path / "elsewhere")
    received: Evaluation = pickle.loads(sent)
    assert isinstance(received.value_sets, ValueSetSnapshot) is not whole
    codes = CodeIndex()
    cohort = read_files([tmp_path / "data"], received.demand, codes)
    batch = received.batch(cohort, Membership(codes, received.value_sets))
    assert not batch.failed and not batch.results[0].errors
    assert batch.results[0].groups[0].total("num") == 1
