"""Value sets as a registry returns them (IHE SVS, the XML of VSAC)."""

from __future__ import annotations

import pytest

from ecqm.terminology import ValueSetStore
from ecqm.terminology.svs import is_svs, json_of_svs
from ecqm.xml_parsing import UnsafeDocument

ANSWER = b"""<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<ns0:RetrieveMultipleValueSetsResponse xmlns:ns0="urn:ihe:iti:svs:2008" xmlns:ns1="urn:x">
  <ns0:DescribedValueSet ID="2.16.1.5" displayName="Stays" version="20240101">
    <ns0:ConceptList>
      <ns0:Concept code="183452005" codeSystem="2.16.840.1.113883.6.96" codeSystemName="SNOMEDCT"
        codeSystemVersion="2023-09" displayName="Emergency hospital admission"/>
      <ns0:Concept code="A01" codeSystem="2.16.840.1.113883.6.90"/>
    </ns0:ConceptList>
    <ns0:Source>Somebody</ns0:Source>
  </ns0:DescribedValueSet>
  <ns0:DescribedValueSet displayName="without a name"/>
</ns0:RetrieveMultipleValueSetsResponse>"""
ONE = b"""<RetrieveValueSetResponse xmlns="urn:ihe:iti:svs:2008"><ValueSet id="2.16.1.6">
  <ConceptList><Concept code="8462-4" codeSystem="2.16.840.1.113883.6.1"/></ConceptList></ValueSet>
</RetrieveValueSetResponse>"""


def store(*answers: bytes) -> ValueSetStore:
    read = [json_of_svs(answer) for answer in answers]
    return ValueSetStore([(str(number), lambda data=data: data) for number, data in enumerate(read)])  # type: ignore[misc]


def test_the_value_sets_of_answers() -> None:
    found = store(ANSWER, ONE)
    several = found.find("urn:oid:2.16.1.5")
    assert several is not None and several.complete and several.version == "20240101"
    assert several.codes == {("http://snomed.info/sct", "183452005"), ("http://hl7.org/fhir/sid/icd-10-cm", "A01")}
    assert found.expand("2.16.1.6") == {("http://loinc.org", "8462-4")}


def test_what_is_an_answer() -> None:
    assert is_svs(ANSWER) and is_svs(ONE) and is_svs(b"\xef\xbb\xbf" + ONE)
    assert not is_svs(b'{"url": "urn:ihe:iti:svs:2008"}') and not is_svs(b"<ValueSet/>")
    with pytest.raises(UnsafeDocument):
        json_of_svs(ANSWER[:-10])
