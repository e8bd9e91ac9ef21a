"""XML documents read safely: without entities, document types, network, or trees without bound."""

from __future__ import annotations

from lxml import etree

LARGEST_DOCUMENT = 64 << 20
"""Bytes of a document. The largest library that was ever published has a sixtieth of it; FHIR data may be larger."""


class UnsafeDocument(ValueError):
    """A document that is not read: too large, too deep, with a document type, or no XML."""


def parse(data: bytes, largest: int = LARGEST_DOCUMENT) -> etree._Element:
    """The root of a document of at most so many bytes, without comments and instructions. Raises UnsafeDocument."""
    if len(data) > largest:
        raise UnsafeDocument(f"XML of {len(data)} bytes, more than {largest}")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        too_deep = "Excessive depth" in str(error.msg)
        raise UnsafeDocument(
            "XML that is nested too deeply" if too_deep else f"no well-formed XML: {error.msg}"
        ) from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise UnsafeDocument("XML with a document type declaration, which is not read")
    return root
