"""Codes by number, their systems, and membership in value sets as tables."""

import numpy as np

from ecqm.terminology import NO_CODE, CodeIndex, Membership, ValueSetStore, canonical_system, system_oid
from tests.terminology.documents import documents, value_set


def test_spellings_of_one_system_are_one() -> None:
    assert canonical_system("2.16.840.1.113883.6.96") == "http://snomed.info/sct"
    assert canonical_system("urn:oid:2.16.840.1.113883.6.96") == "http://snomed.info/sct"
    assert canonical_system("http://hl7.org/fhir/sid/icd-10-pcs") == canonical_system("2.16.840.1.113883.6.4")
    assert system_oid("http://loinc.org") == "2.16.840.1.113883.6.1"
    assert system_oid("http://hl7.org/fhir/v3/ActCode") == "2.16.840.1.113883.5.4"


def test_unknown_systems_keep_their_name() -> None:
    assert canonical_system("http://example.org/local") == "http://example.org/local"
    assert canonical_system("1.2.3") == canonical_system("urn:oid:1.2.3") == "urn:oid:1.2.3"
    assert canonical_system(None) == ""
    assert system_oid("http://example.org/local") is None


def test_index_gives_one_id_per_code_however_its_system_is_named() -> None:
    index = CodeIndex()
    first = index.intern("http://loinc.org", "4548-4")
    assert index.intern("2.16.840.1.113883.6.1", "4548-4") == first
    assert index.intern("http://loinc.org", "4549-2") == first + 1
    assert index.find("urn:oid:2.16.840.1.113883.6.1", "4548-4") == first
    assert index.find("http://loinc.org", "absent") == NO_CODE
    assert index.code(first) == ("http://loinc.org", "4548-4")
    assert len(index) == 2
    ids = index.intern_all([("http://loinc.org", "4549-2"), (None, "x")])
    assert ids.dtype == np.int32 and ids.tolist() == [1, 2]


def test_membership_tables_grow_with_the_index() -> None:
    store = ValueSetStore(documents(value_set("1.2.3", [("http://s", "a"), ("http://s", "c")])))
    index = CodeIndex()
    index.intern("http://s", "a")
    index.intern("http://s", "b")
    membership = Membership(index, store)
    assert membership.table("1.2.3").tolist() == [True, False]
    index.intern("http://s", "c")
    assert membership.table("urn:oid:1.2.3").tolist() == [True, False, True]
    assert membership.table("9.9.9").tolist() == [False, False, False]


def test_membership_of_a_small_set_in_a_large_index() -> None:
    store = ValueSetStore(documents(value_set("1.2.3", [("http://s", "7"), ("http://s", "absent")])))
    index = CodeIndex()
    index.intern_all(("http://s", str(n)) for n in range(10))
    assert np.flatnonzero(Membership(index, store).table("1.2.3")).tolist() == [7]
