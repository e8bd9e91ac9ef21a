"""Filters of definitions: a code system with a hierarchy, by nesting or by properties."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ecqm.terminology import ValueSetStore
from tests.terminology.documents import documents, value_set

S = "http://s"


def concept(code: str, *children: dict[str, Any], **properties: Any) -> dict[str, Any]:
    listed = [
        {
            "code": name,
            f"value{type(value).__name__.capitalize().replace('Str', 'String').replace('Bool', 'Boolean')}": value,
        }
        for name, value in properties.items()
    ]
    return {"code": code, "display": code.upper(), "property": listed, "concept": list(children)}


NESTED = [
    concept(
        "animal",
        concept("bird", concept("owl", night=True, legs="2"), concept("duck", night=False, legs="2")),
        concept("fish", legs="0"),
    ),
    concept("stone"),
]
FLAT = [
    {"code": code, "display": code.upper(), "property": [{"code": "parent", "valueCode": parent}] if parent else []}
    for code, parent in {
        "owl": "bird",
        "bird": "animal",
        "duck": "bird",
        "fish": "animal",
        "animal": "",
        "stone": "",
    }.items()
]


def system(concepts: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {"resourceType": "CodeSystem", "url": S, "content": "complete", "concept": concepts} | more


def selected(*filters: tuple[str, str, str], concepts: list[dict[str, Any]] = NESTED) -> set[str] | None:
    """The codes that all filters select; None if the expansion is incomplete."""
    listed = [{"property": name, "op": op, "value": value} for name, op, value in filters]
    resource = value_set("1.2", compose={"include": [{"system": S, "filter": listed}]})
    found = ValueSetStore(documents(resource, system(concepts))).find("1.2")
    assert found is not None
    return {code for _, code in found.codes} if found.complete else None


@pytest.mark.parametrize("concepts", [NESTED, FLAT], ids=["nested", "by-parent"])
@pytest.mark.parametrize(
    ("op", "value", "codes"),
    [
        ("is-a", "bird", "bird duck owl"),
        ("descendent-of", "animal", "bird duck fish owl"),
        ("is-not-a", "bird", "animal fish stone"),
        ("generalizes", "owl", "animal bird owl"),
        ("child-of", "animal", "bird fish"),
        ("descendent-leaf", "animal", "duck fish owl"),
        ("not-in", "owl, duck", "animal bird fish stone"),
        ("regex", "[a-d].*", "animal bird duck"),
        ("regex", "ir", ""),
        ("is-a", "dragon", ""),
    ],
)
def test_operators_on_concepts(concepts: list[dict[str, Any]], op: str, value: str, codes: str) -> None:
    assert selected(("concept", op, value), concepts=concepts) == set(codes.split())


@pytest.mark.parametrize(
    ("name", "op", "value", "codes"),
    [
        ("legs", "=", "2", "duck owl"),
        ("legs", "in", "0,1", "fish"),
        ("legs", "not-in", "0", "animal bird duck owl stone"),
        ("legs", "exists", "false", "animal bird stone"),
        ("night", "exists", "true", "duck owl"),
        ("night", "=", "true", "owl"),
        ("display", "regex", "O.*|.*H", "fish owl"),
    ],
)
def test_a_filter_selects_by_property(name: str, op: str, value: str, codes: str) -> None:
    assert selected((name, op, value)) == set(codes.split())


def test_filters_all_apply() -> None:
    assert selected(("concept", "is-a", "animal"), ("legs", "=", "2"), ("night", "=", "false")) == {"duck"}


@pytest.mark.parametrize(("op", "value"), [("regex", "["), ("exists", "perhaps"), ("like", "x")])
def test_what_is_no_filter_leaves_the_expansion_incomplete(op: str, value: str) -> None:
    assert selected(("legs", op, value)) is None


def test_versions_of_a_code_system() -> None:
    def found(version: str) -> Any:
        whole = value_set("1.2", compose={"include": [{"system": S, "version": version}]})
        old, new = system([concept("old")], version="1"), system([concept("new")], version="2")
        return ValueSetStore(documents(whole, old, new)).find("1.2")

    assert {code for _, code in found("1").codes} == {"old"} and found("1").complete
    assert not found("3").complete and "in version 2, not 3" in json.dumps(found("3").problems)
