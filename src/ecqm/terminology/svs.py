"""Value sets as registries return them (IHE Sharing Value Sets, XML: the form of VSAC's older interface), as JSON."""

from __future__ import annotations

import msgspec
from lxml import etree

from ecqm.terminology.systems import canonical_system
from ecqm.xml_parsing import parse

NAMESPACE = "urn:ihe:iti:svs:2008"
LARGEST_DOCUMENT = 512 << 20
_CANONICAL = "http://cts.nlm.nih.gov/fhir/ValueSet/"
_START = 2048


def is_svs(data: bytes) -> bool:
    """Whether a document is a registry's answer, going by its beginning."""
    start = data[:_START].lstrip(b"\xef\xbb\xbf \t\r\n")
    return start.startswith(b"<") and NAMESPACE.encode() in start


def json_of_svs(data: bytes) -> bytes:
    """The value sets of an answer as a FHIR Bundle of ValueSet resources. Raises UnsafeDocument."""
    root = parse(data, LARGEST_DOCUMENT)
    # An answer to a question for one value set calls it ValueSet, one to a question for several DescribedValueSet.
    found = root.iter(f"{{{NAMESPACE}}}ValueSet", f"{{{NAMESPACE}}}DescribedValueSet")
    entries = [{"resource": resource} for each in found if (resource := _value_set(each)) is not None]
    return msgspec.json.encode({"resourceType": "Bundle", "type": "collection", "entry": entries})


def _value_set(element: etree._Element) -> dict[str, object] | None:
    oid = element.get("ID") or element.get("id")
    if oid is None:
        return None
    members = [
        {"system": canonical_system(each.get("codeSystem") or ""), "code": each.get("code")}
        | ({"version": version} if (version := each.get("codeSystemVersion")) else {})
        | ({"display": display} if (display := each.get("displayName")) else {})
        for each in element.iter(f"{{{NAMESPACE}}}Concept")
        if each.get("code") and each.get("codeSystem")
    ]
    about = {"version": element.get("version"), "title": element.get("displayName")}
    return {
        "resourceType": "ValueSet",
        "url": _CANONICAL + oid,
        **{name: text for name, text in about.items() if text},
        "expansion": {"total": len(members), "contains": members},
    }
