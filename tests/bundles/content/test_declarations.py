"""What a library declares, read from its CQL (CQL, Library, Include and Terminology Declarations)."""

from __future__ import annotations

import pytest

from ecqm.bundles.content.declarations import library_of_cql, of_cql
from ecqm.language.sources import library_header

CQL = """/*
library of functions
*/
{header}
using FHIR
include Common
include hl7.fhir.uv.cql.FHIRCommon version '2.0.0' called FC
include guide."us-core".`Us Common` version '3' // include Old version '1'
codesystem "C": 'urn:c'
valueset "A b": 'http://example.org/a' version '5' codesystems {{ "C" }}
private valueset B: 'urn:oid:1.2'
public valueset `D`: 'urn:oid:1.3'
"""


@pytest.mark.parametrize(
    ("header", "name", "version"),
    [
        ("library Visits", "Visits", None),
        ("library Visits version '1.0'", "Visits", "1.0"),
        ("library Visits\n  version '1.0'", "Visits", "1.0"),
        ("library \"My Visits\" version '1'", "My Visits", "1"),
        ("library fhir.onc.\"us-quality-core\".Visits version '0.5.0'", "fhir.onc.us-quality-core.Visits", "0.5.0"),
        ("library `hl7`.`My Visits`", "hl7.My Visits", None),
    ],
)
def test_the_library(header: str, name: str, version: str | None) -> None:
    text = CQL.format(header=header)
    assert library_of_cql(text) == (name.rpartition(".")[2], version)
    assert library_header(text) == (name, version)
    assert of_cql(text).version == version


def test_includes_and_value_sets() -> None:
    declared = of_cql(CQL.format(header="library Visits"))
    assert declared.includes == (("Common", None), ("FHIRCommon", "2.0.0"), ("Us Common", "3"))
    assert declared.value_sets == ("http://example.org/a|5", "urn:oid:1.2", "urn:oid:1.3")


def test_a_text_without_a_library() -> None:
    assert library_of_cql("// library A\ndefine X: 'library B'\n") is None
