"""Definitions of models that come with content: files of model information, and Library resources of them."""

from __future__ import annotations

import base64

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


def add_definition(data: bytes) -> None:
    """Make the model that a document defines available to the compiler. Models of other data than FHIR's are ignored.
    Raises ContentError."""
    try:
        add_model(model_text(data))
    except (ModelFileError, UnsafeDocument) as error:
        raise ContentError(f"not a model definition: {error}") from error


def add_model_library(data: bytes) -> bool:
    """Add the definitions that a FHIR Library of the type model-definition has as attachments. Returns False for other
    Libraries. Raises ContentError."""
    library = _decode(data)
    if not any(coding.code == _CODE for coding in (library.type and library.type.coding) or ()):
        return False
    for attachment in library.content or ():
        try:
            definition = base64.b64decode(attachment.data or "")
        except ValueError as error:
            raise ContentError(f"a model definition is not base64: {error}") from error
        if is_model(definition):
            add_definition(definition)
    return True
