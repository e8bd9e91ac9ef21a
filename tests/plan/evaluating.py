"""Evaluating small ELM libraries on the data of small cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ecqm.columns import to_values
from ecqm.data import read_cases
from ecqm.elm import IndexedLibrary, LibraryCollection, read_json
from ecqm.engine import Executor, FhirProfiles, kernel_for
from ecqm.plan.lowering import Lowering
from ecqm.terminology import CodeIndex, Membership, ValueSetStore
from ecqm.values import EvaluationContext
from tests.data.resources import bundle, patient, write
from tests.terminology.documents import documents

Json = dict[str, Any]
FHIR = "{http://hl7.org/fhir}"
SYSTEM = "{urn:hl7-org:elm-types:r1}"


def evaluated(
    folder: Path,
    libraries: Sequence[bytes],
    resources: Sequence[Json] = (),
    value_sets: Sequence[Json] = (),
    define: str = "X",
) -> Any:
    """The value of a define of the first library for the one patient of a case that has these resources."""
    write(folder / "c" / "all.json", bundle(patient(), *resources))
    indexed = [IndexedLibrary(read_json(library)) for library in libraries]
    resolved = LibraryCollection(indexed).resolve(indexed[0])
    node = Lowering(resolved, kernel_for).define(resolved.main, define)
    codes = CodeIndex()
    cohort = read_cases([folder / "c"], codes=codes)
    store = ValueSetStore(documents(*value_sets))
    context = replace(EvaluationContext.of_this_moment(), terminology=store)
    executor = Executor(cohort, Membership(codes, store), FhirProfiles(), context)
    values = to_values(executor.evaluate(node, define))
    assert not executor.errors, executor.errors
    return values[0]


def retrieve(type_: str, **attributes: Any) -> Json:
    return {"type": "Retrieve", "dataType": FHIR + type_, **attributes}


def query(source: Json, alias: str = "A", gives: Json | None = None, **clauses: Any) -> Json:
    """A query over one source; `gives` is the expression of its return clause."""
    returned = {} if gives is None else {"return": {"distinct": False, "expression": gives}}
    return {
        "type": "Query",
        "source": [{"alias": alias, "expression": source}],
        "relationship": [],
        **returned,
        **clauses,
    }


def part(path: str, **of: Any) -> Json:
    return {"type": "Property", "path": path, **of}


def count(source: Json) -> Json:
    return {"type": "Count", "source": source}


def text(value: str) -> Json:
    return {"type": "Literal", "valueType": SYSTEM + "String", "value": value}


def call(function: str, *operands: Json, library: str | None = None) -> Json:
    reference = {} if library is None else {"libraryName": library}
    return {"type": "FunctionRef", "name": function, "operand": list(operands), **reference}
