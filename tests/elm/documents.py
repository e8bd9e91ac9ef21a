"""Small ELM documents for tests."""

from __future__ import annotations

import json
from typing import Any


def library(name: str = "Sample", version: str = "1.0.0", **parts: Any) -> bytes:
    """An ELM JSON document; each of `parts` has the definitions of one section."""
    sections = {section: {"def": definitions} for section, definitions in parts.items()}
    return json.dumps({"library": {"identifier": {"id": name, "version": version}, **sections}}).encode()


def define(name: str, expression: dict[str, Any], **attributes: Any) -> dict[str, Any]:
    return {"name": name, "context": "Patient", "expression": expression, **attributes}


def include(name: str, version: str, alias: str | None = None) -> dict[str, Any]:
    return {"localIdentifier": alias or name, "path": name, "version": version}


INTEGER = "{urn:hl7-org:elm-types:r1}Integer"


def integer(value: int) -> dict[str, Any]:
    return {"type": "Literal", "valueType": INTEGER, "value": str(value)}
