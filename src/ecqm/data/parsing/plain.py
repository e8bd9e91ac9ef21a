"""Plain JSON: resources decoded and written again, one by one, with nothing that the parser would misread.

`ecqm.data.parsing.shapes` parses plain JSON many resources at a time. A resource that it would misread or refuse
(unknown or repeated fields, nulls, exponents, contained resources) is decoded by itself, with the structs that cohorts
are made of, and what was decoded is encoded again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

import msgspec

from ecqm.data.fhir.structs import ResourceStructs
from ecqm.data.parsing.json_text import LONGEST_NUMBER

# The digits that fit after the decimal point, and in all.
DECIMAL_SCALE = 20
DECIMAL_PRECISION = 38

_ODD_NUMBER = re.compile(rb'":(-?(?:[0-9.]*E[-+]?[0-9]+|[0-9.]{%d,}))' % LONGEST_NUMBER)
_BEFORE_CONTAINED = ([b'"contained":'], [b'"contained"', b":"])
_encode = msgspec.json.Encoder(decimal_format="number").encode


class NotPlain(Exception):
    """Data from which a shard cannot be made straight from Arrow's arrays; it is built in the general way then."""


class Plain(NamedTuple):
    """The plain JSON of a resource, as a line, and that of the resources contained in it."""

    line: bytes
    contained: Sequence[msgspec.Raw]


class _Container(msgspec.Struct, gc=False):
    contained: msgspec.Raw = msgspec.Raw()


_decode_container = msgspec.json.Decoder(_Container).decode
_decode_contained = msgspec.json.Decoder(list[msgspec.Raw]).decode


def made_plain(raw: bytes, structs: ResourceStructs) -> Plain:
    """A resource of a demanded type as plain JSON. Raises Unreadable, and NotPlain if it cannot be made plain."""
    resource = structs.read(raw)
    contained, resource.contained = resource.contained or (), None
    line = _ODD_NUMBER.sub(_written_out, _encode(resource))
    if rb"\u0000" in line:
        raise NotPlain("a string with a NUL")
    return Plain(line + b"\n", contained)


def without_contained(raw: bytes) -> Plain | None:
    """A resource without its contained resources, otherwise unchanged; None if there are none that can be cut out."""
    if b'"contained"' not in raw:
        return None
    contained = bytes(_decode_container(raw).contained)
    if not contained.startswith(b"["):
        return None
    before, _, after = raw.partition(contained)
    start = before.rfind(b'"contained"')
    if start < 0 or before[start:].split() not in _BEFORE_CONTAINED:
        return None
    before, after = before[:start].rstrip(), after.lstrip()
    rest = before + after[1:] if after.startswith(b",") else before.removesuffix(b",") + after
    return Plain(rest, _decode_contained(contained))


def _written_out(found: re.Match[bytes]) -> bytes:
    if not found.string[found.start() - 1 : found.start()].isalpha():
        # Not the value of a key, but in a string: a quote in it comes after a backslash, and one before it does not
        # come after a letter.
        return found[0]
    number = Decimal(found[1].decode())
    exponent = number.as_tuple().exponent
    too_small = not isinstance(exponent, int) or exponent < -DECIMAL_SCALE
    if too_small or number.adjusted() >= DECIMAL_PRECISION - DECIMAL_SCALE:
        raise NotPlain(f"a number with more digits than there is room for: {number:.30}")
    return b'":' + f"{number:f}".encode()
