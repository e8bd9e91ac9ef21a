"""Calls of operations and their answers, as they pass between the HTTP process and its workers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

# Decimals of CQL are JSON numbers with exactly their digits.
_encode = msgspec.json.Encoder(decimal_format="number").encode


@dataclass(frozen=True)
class Call:
    """A request: the operation, the id of the resource that it is about, the parameters of the URL, and the body of a
    POST. `url` is the URL of the request, `base` that of the server."""

    operation: str
    id: str | None = None
    query: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    url: str = ""
    base: str = ""


@dataclass(frozen=True)
class Answer:
    """A response: the HTTP status, and a FHIR resource as JSON."""

    status: int
    body: bytes

    @classmethod
    def of(cls, resource: Any, status: int = 200) -> Answer:
        """The answer with a resource."""
        return cls(status, _encode(resource))
