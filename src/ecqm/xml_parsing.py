"""Safe reading of XML: no entities, document types or network access, and limited size and depth."""

from __future__ import annotations

from lxml import etree

LARGEST_DOCUMENT = 64 << 20
"""The limit for a document, in bytes. The largest published library has a sixtieth of it; FHIR data may be larger."""


class UnsafeDocument(ValueError):
    """The document is too large, nested too deeply, has a document type declaration, or is not XML."""


def parse(data: bytes, largest: int = LARGEST_DOCUMENT) -> etree._Element:
    """The root of a document of at most `largest` bytes, without comments and instructions. Raises UnsafeDocument."""
    if len(data) > largest:
        raise UnsafeDocument(f"the XML has {len(data):,} bytes, more than {largest:,}")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        too_deep = "Excessive depth" in str(error.msg)
        raise UnsafeDocument(
            "the XML is nested too deeply" if too_deep else f"not well-formed XML: {error.msg}"
        ) from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise UnsafeDocument("the XML has a document type declaration, which is not allowed")
    return root
