"""The identity of value sets, which documents name by canonical URL, `urn:oid:…` or bare OID."""

from __future__ import annotations

import re

from ecqm.terminology.systems import bare_oid

ValueSetKey = tuple[str, str | None]
"""(identity, version); None if no version is asked for."""

_OID_AT_END = re.compile(r"/ValueSet/([0-2](?:\.\d+)+)$")


def value_set_key(identifier: str, version: str | None = None) -> ValueSetKey:
    """The identity and version of a value set, given as canonical URL with or without `|version`, `urn:oid:…` or OID.
    A `version` that is given apart takes precedence.

    If the identifier is an OID, or a URL `…/ValueSet/<oid>`, the identity is the bare OID.
    """
    url, _, in_identifier = identifier.partition("|")
    at_end = _OID_AT_END.search(url)
    return (at_end[1] if at_end else bare_oid(url) or url), version or in_identifier or None
