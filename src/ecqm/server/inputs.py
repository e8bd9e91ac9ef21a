"""The input parameters of an operation: of the URL, or of a Parameters resource (FHIR R4, Operations Framework)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from ecqm.json_decoding import json_decoder
from ecqm.server.calls import Call
from ecqm.server.outcomes import invalid, not_supported

# What FHIR lets a client add to any request.
_OF_EVERY_REQUEST = frozenset(("_format", "_pretty"))


class _Document(msgspec.Struct):
    resourceType: str
    parameter: list[dict[str, msgspec.Raw]] = []


_decode = json_decoder(_Document)
_decode_value = json_decoder(Any)


@dataclass(frozen=True)
class Input:
    """One input parameter: its members as JSON; those of the URL have only a text."""

    name: str
    members: Mapping[str, msgspec.Raw]

    def text(self) -> str:
        """A primitive value as text; of a Reference what it refers to. Raises RequestError."""
        for member, raw in self.members.items():
            if member.startswith("value"):
                value: Any = _decode_value(bytes(raw))
                if isinstance(value, dict):
                    value = value.get("reference")
                if isinstance(value, bool):
                    return "true" if value else "false"
                if isinstance(value, str | int | float):
                    return str(value)
        raise invalid(f"parameter {self.name} has no value")

    def resource(self) -> bytes:
        """A resource as JSON. Raises RequestError."""
        found = self.members.get("resource")
        if found is None:
            raise invalid(f"parameter {self.name} has no resource")
        return bytes(found)

    def parts(self) -> list[Input]:
        """The parts of the parameter. Raises RequestError."""
        try:
            parts = msgspec.json.decode(self.members.get("part", b"[]"), type=list[dict[str, msgspec.Raw]])
        except msgspec.DecodeError as error:
            raise invalid(f"parameter {self.name}: {error}") from error
        return list(map(_input, parts))


class Inputs:
    """The input parameters of a call, each with a `known` name.

    Raises RequestError for a body that is no Parameters resource, and for unknown parameters; `unsupported` says why
    the server does not support a parameter that the operation has.
    """

    def __init__(self, call: Call, known: Collection[str], unsupported: Mapping[str, str]) -> None:
        self._given = [Input(name, {"value": msgspec.Raw(msgspec.json.encode(text))}) for name, text in call.query]
        if call.body:
            self._given += _inputs(call.body)
        self._given = [each for each in self._given if each.name not in _OF_EVERY_REQUEST]
        for name in dict.fromkeys(each.name for each in self._given):
            if name in unsupported:
                raise not_supported(f"parameter {name} is not supported: {unsupported[name]}")
            if name not in known:
                raise invalid(f"there is no parameter {name}; there are {', '.join(known)}")

    def all(self, name: str) -> list[Input]:
        """All parameters of a name, in order."""
        return [each for each in self._given if each.name == name]

    def one(self, name: str) -> Input | None:
        """The parameter of a name, if there is one. Raises RequestError for several."""
        found = self.all(name)
        if len(found) > 1:
            raise invalid(f"parameter {name} is given {len(found)} times")
        return found[0] if found else None

    def text(self, name: str) -> str | None:
        """The text of a parameter, if it is given. Raises RequestError."""
        found = self.one(name)
        return None if found is None else found.text()

    def truth(self, name: str, default: bool) -> bool:
        """A boolean parameter. Raises RequestError."""
        text = self.text(name)
        if text not in (None, "true", "false"):
            raise invalid(f"parameter {name} is true or false, not {text}")
        return default if text is None else text == "true"


def _inputs(body: bytes) -> list[Input]:
    try:
        document = _decode(body)
    except msgspec.DecodeError as error:
        raise invalid(f"the body is not a Parameters resource in JSON: {error}") from error
    if document.resourceType != "Parameters":
        raise invalid(f"the body is a resource of type {document.resourceType}, and has to be Parameters")
    return list(map(_input, document.parameter))


def _input(members: dict[str, msgspec.Raw]) -> Input:
    name = _decode_value(bytes(members.get("name", b"null")))
    if not isinstance(name, str):
        raise invalid("a parameter has no name")
    return Input(name, members)
