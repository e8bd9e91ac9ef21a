"""Documents are held against a schema and a Schematron; both here are small ones, made for the purpose."""

from __future__ import annotations

from pathlib import Path

from tests.scripts import run

SCHEMA = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <xs:element name="d"><xs:complexType><xs:attribute name="code" type="xs:string"/></xs:complexType></xs:element>
</xs:schema>"""
SCHEMATRON = """<s:schema xmlns:s="http://purl.oclc.org/dsdl/schematron">
  <s:phase id="errors"><s:active pattern="must"/></s:phase>
  <s:pattern id="must"><s:rule context="d">
    <s:assert id="a-1" test="@code=document('voc.xml')/codes/code/@value">has a code of the list</s:assert>
  </s:rule></s:pattern>
  <s:pattern id="should"><s:rule context="d"><s:assert id="a-2" test="false()">never</s:assert></s:rule></s:pattern>
</s:schema>"""


def test_errors_of_schema_and_schematron_are_told(tmp_path: Path) -> None:
    files = {
        "d.xsd": SCHEMA,
        "d.sch": SCHEMATRON,
        "voc.xml": '<codes><code value="N"/></codes>',
        "good.xml": '<d code="N"/>',
        "other.xml": '<d code="M" more="1"/>',
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text, "utf-8")
    options = ("--schema", tmp_path / "d.xsd", "--schematron", tmp_path / "d.sch")
    assert run("conformance/schematron.py", *options, tmp_path / "good.xml") == "1 documents, 0 with errors\n"
    told = run("conformance/schematron.py", *options, tmp_path / "good.xml", tmp_path / "other.xml", code=1)
    assert "1 x a-1: has a code of the list (/d)" in told and "'more'" in told and "a-2" not in told
    assert told.endswith("2 documents, 1 with errors\n")
