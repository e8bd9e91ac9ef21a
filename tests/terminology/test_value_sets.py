"""Value sets: identity, layers, expansions, and composes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ecqm.terminology import ValueSetStore, value_set_key
from tests.terminology.documents import documents, value_set

S = "http://s"
BASE = "http://cts.nlm.nih.gov/fhir/ValueSet/"


def codes_of(store: ValueSetStore, identifier: str) -> set[str]:
    found = store.find(identifier)
    assert found is not None and found.complete, found
    return {code for _, code in found.codes}


def test_identity_of_a_value_set() -> None:
    assert value_set_key(f"{BASE}1.2.3|20200101") == ("1.2.3", "20200101")
    assert value_set_key("urn:oid:1.2.3") == ("1.2.3", None)
    assert value_set_key("http://example.org/vs|2") == ("http://example.org/vs", "2")


@pytest.mark.parametrize("identifier", [f"{BASE}1.2.3", f"{BASE}1.2.3|1", "urn:oid:1.2.3", "1.2.3"])
def test_found_however_it_is_named(identifier: str) -> None:
    store = ValueSetStore(documents(value_set("1.2.3", [(S, "a")])))
    assert codes_of(store, identifier) == {"a"}


def test_another_version_is_not_at_hand() -> None:
    store = ValueSetStore(documents(value_set("1.2.3", [(S, "a")], version="2024")))
    assert store.find("1.2.3|2025") is None
    (missing,) = store.missing({"1.2.3|2025": ["Lib"]})
    assert missing.versions == ("2024",) and missing.users == ("Lib",)
    assert "available: 2024" in str(missing)


def test_latest_version_of_a_layer_counts() -> None:
    old, new = value_set("1.2.3", [(S, "old")], "20210101"), value_set("1.2.3", [(S, "new")], "20240101")
    assert codes_of(ValueSetStore(documents(old, new)), "1.2.3") == {"new"}
    assert codes_of(ValueSetStore(documents(old), documents(new)), "1.2.3") == {"old"}


def test_expansion_entries_nest_and_abstract_ones_are_no_members() -> None:
    contains: list[dict[str, Any]] = [
        {"system": S, "code": "group", "abstract": True, "contains": [{"system": S, "code": "leaf"}]},
        {"contains": [{"system": S, "code": "old", "inactive": True}]},
    ]
    resource = value_set("1.2.3", expansion={"total": 4, "contains": contains})
    assert codes_of(ValueSetStore(documents(resource)), "1.2.3") == {"leaf", "old"}


@pytest.mark.parametrize(
    "expansion",
    [
        {"total": 3, "contains": [{"system": S, "code": "a"}]},
        {"contains": [{"system": S, "code": "a"}], "parameter": [{"name": "count", "valueInteger": 1}]},
        {"total": 1, "contains": [{"system": S, "code": "a"}], "parameter": [{"name": "offset", "valueInteger": 5}]},
        {"contains": [{"system": S, "code": "a"}], "parameter": [{"name": "limitedExpansion", "valueBoolean": True}]},
    ],
)
def test_a_cut_expansion_is_never_taken_as_whole(expansion: dict[str, Any]) -> None:
    cut = value_set("1.2.3", expansion=expansion)
    found = ValueSetStore(documents(cut)).find("1.2.3")
    assert found is not None and not found.complete and found.problems
    compose = {"include": [{"system": S, "concept": [{"code": c} for c in "abc"]}]}
    store = ValueSetStore(documents(cut | {"compose": compose}))
    assert codes_of(store, "1.2.3") == {"a", "b", "c"}
    assert "completed from compose" in store.find("1.2.3").problems[0]  # type: ignore[union-attr]


def test_a_later_layer_stands_in_for_a_cut_expansion() -> None:
    cut = value_set("1.2.3", expansion={"total": 2, "contains": [{"system": S, "code": "a"}]})
    store = ValueSetStore(documents(cut), documents(value_set("1.2.3", [(S, "a"), (S, "b")])))
    assert codes_of(store, "1.2.3") == {"a", "b"}
    assert store.missing({"1.2.3": ["L"]}) == []


def test_compose_includes_nested_sets_and_excludes() -> None:
    nested = value_set("1.1", [(S, "a"), (S, "b"), (S, "c")])
    other = value_set("1.2", [(S, "b"), (S, "c"), (S, "d")])
    compose = {
        "include": [{"valueSet": [f"{BASE}1.1", f"{BASE}1.2"]}, {"system": S, "concept": [{"code": "x"}]}],
        "exclude": [{"system": S, "filter": [{"property": "concept", "op": "=", "value": "c"}]}],
    }
    store = ValueSetStore(documents(nested, other, value_set("1.3", compose=compose)))
    assert codes_of(store, "1.3") == {"b", "x"}  # one include, then the other, without the exclusion


def test_whole_code_system_only_if_it_is_at_hand() -> None:
    compose = {"include": [{"system": S}], "exclude": [{"system": S, "filter": [DESCENDANTS_OF_B]}]}
    vs = value_set("1.3", compose=compose)
    found = ValueSetStore(documents(vs)).find("1.3")
    assert found is not None and not found.complete and S in found.problems[0]
    system = {
        "resourceType": "CodeSystem",
        "url": S,
        "content": "complete",
        "concept": [{"code": "a"}, {"code": "b", "concept": [{"code": "c"}]}],
    }
    assert codes_of(ValueSetStore(documents(vs, system)), "1.3") == {"a", "b"}


DESCENDANTS_OF_B = {"property": "concept", "op": "descendent-of", "value": "b"}


def test_an_unsupported_filter_is_reported() -> None:
    condition = {"property": "TTY", "op": "=", "value": "SCD"}
    vs = value_set("1.3", compose={"include": [{"system": S, "filter": [condition]}]})
    (missing,) = ValueSetStore(documents(vs)).missing({"1.3": ["B", "A", "A"]})
    assert missing.found is not None and missing.users == ("A", "B")


def test_value_sets_that_include_each_other_end() -> None:
    one = value_set("1.1", compose={"include": [{"valueSet": ["1.2"]}]})
    two = value_set("1.2", compose={"include": [{"valueSet": ["1.1"]}, {"system": S, "concept": [{"code": "a"}]}]})
    found = ValueSetStore(documents(one, two)).find("1.1")
    assert found is not None and not found.complete and ("http://s", "a") in found.codes


def test_bundles_and_broken_files_among_the_documents(tmp_path: Path) -> None:
    import json

    entries = [{"resource": value_set("1.1", [(S, "a")])}, {"resource": value_set("1.2", [(S, "b")])}]
    (tmp_path / "bundle.json").write_text(json.dumps({"resourceType": "Bundle", "entry": entries}))
    (tmp_path / "broken.json").write_text('{"resourceType": "ValueSet", "url"')
    store = ValueSetStore([(path.name, path.read_bytes) for path in sorted(tmp_path.iterdir())])
    assert codes_of(store, "1.2") == {"b"}
    assert len(store.problems) == 1 and "broken.json" in store.problems[0]


def test_a_pinned_version_counts_where_none_is_asked_for() -> None:
    old, new = value_set("1.2.3", [(S, "old")], "20210101"), value_set("1.2.3", [(S, "new")], "20240101")
    store = ValueSetStore(documents(old, new))
    assert codes_of(store, "1.2.3") == {"new"}
    store.pin([f"{BASE}1.2.3|20210101", f"{BASE}1.2.4|20210101", "http://s"])
    assert codes_of(store, "urn:oid:1.2.3") == {"old"} and codes_of(store, f"{BASE}1.2.3|20240101") == {"new"}
    store.pin([f"{BASE}1.2.3|20220101"])
    (missing,) = store.missing({"1.2.3": ["Lib"]})
    assert "version 20220101 of the manifest not found; available: 20240101, 20210101" in str(missing)
