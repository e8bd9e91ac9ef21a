"""XML documents read safely: without entities, document types, network, or trees without bound."""

from __future__ import annotations

from lxml import etree


class UnsafeDocument(ValueError):
    """A document that is not read: too large, too deep, with a DTD, or no XML."""


def parse(data: bytes, largest: int) -> etree._Element:
    """The root of a document of at most so many bytes, without comments and instructions. Raises UnsafeDocument."""
    if len(data) > largest:
        raise UnsafeDocument(f"XML of {len(data)} bytes, more than {largest}")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise UnsafeDocument(f"no well-formed XML: {error.msg}") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise UnsafeDocument("XML with a document type declaration, which clinical documents do not have")
    return root
