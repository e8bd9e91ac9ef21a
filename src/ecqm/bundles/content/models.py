"""Definitions of models that come with content: files of model information, and Library resources of them."""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterator

import msgspec

from ecqm.bundles.content.documents import ContentError
from ecqm.json_decoding import json_decoder
from ecqm.models import ModelFileError
from ecqm.models.additions import add_model
from ecqm.models.modelinfo import MODELINFO_NAMESPACE, model_text
from ecqm.xml_parsing import UnsafeDocument

_CODE = "model-definition"
_START = 4096


class _Attachment(msgspec.Struct, frozen=True):
    data: str | None = None


class _Coding(msgspec.Struct, frozen=True):
    code: str | None = None


class _Type(msgspec.Struct, frozen=True):
    coding: list[_Coding] | None = None


class _Library(msgspec.Struct, frozen=True):
    type: _Type | None = None
    content: list[_Attachment] | None = None


_decode = json_decoder(_Library)


def is_model(data: bytes) -> bool:
    """Whether an XML document is a model definition."""
    return MODELINFO_NAMESPACE.encode() in data[:_START]


class ModelDefinitions:
    """The definitions of models that a content has, by name and version."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], bytes] = {}

    def add(self, data: bytes) -> None:
        """Make the model that a document defines available to the compiler. Models of other data than FHIR's are
        ignored. Raises ContentError."""
        try:
            text = model_text(data)
            is_usable = add_model(text)
        except (ModelFileError, UnsafeDocument) as error:
            raise ContentError(f"not a model definition: {error}") from error
        if is_usable:
            _, name, version, *_ = text.partition("\n")[0].split("\t")
            self._found[name, version] = data

    def add_library(self, data: bytes) -> bool:
        """Add the definitions that a FHIR Library of the type model-definition has as attachments. Returns False for
        other Libraries. Raises ContentError."""
        library = _decode(data)
        if not any(coding.code == _CODE for coding in (library.type and library.type.coding) or ()):
            return False
        for definition in _definitions(library):
            self.add(definition)
        return True

    def used(self, names: Collection[str]) -> dict[tuple[str, str], bytes]:
        """The definitions that libraries need which use models of these names: all, as models refer to each other, or
        none, if none of them is defined here."""
        return dict(self._found) if any(name in names for name, _ in self._found) else {}


def _definitions(library: _Library) -> Iterator[bytes]:
    for attachment in library.content or ():
        try:
            definition = base64.b64decode(attachment.data or "")
        except ValueError as error:
            raise ContentError(f"a model definition is not base64: {error}") from error
        if is_model(definition):
            yield definition
