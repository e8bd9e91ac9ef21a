"""Decoders of JSON that others wrote: whatever is wrong with it, they fail in one way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

_T = TypeVar("_T")

_BOM = b"\xef\xbb\xbf"


def json_decoder(shape: type[_T], float_hook: Callable[[str], Any] | None = None) -> Callable[[bytes], _T]:
    """A function that decodes JSON of a shape, with or without a byte order mark.

    It raises msgspec.DecodeError for all that cannot be read, text that is not UTF-8 and bottomless nesting included;
    its subclass msgspec.ValidationError where JSON is not of the shape.
    """
    read = msgspec.json.Decoder(shape, float_hook=float_hook).decode

    def decode(data: bytes) -> _T:
        try:
            return read(data[len(_BOM) :] if data.startswith(_BOM) else data)
        except RecursionError:
            raise msgspec.DecodeError("it is nested more deeply than any document needs") from None
        except UnicodeDecodeError as error:
            raise msgspec.DecodeError(f"it is not UTF-8 (byte {error.object[error.start]:#04x})") from None

    return decode
