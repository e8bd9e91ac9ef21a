"""Decoders for untrusted JSON, which raise the same exception for all errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

_T = TypeVar("_T")

_BOM = b"\xef\xbb\xbf"


def json_decoder(shape: type[_T], float_hook: Callable[[str], Any] | None = None) -> Callable[[bytes], _T]:
    """A function that decodes JSON to the type `shape`, with or without a byte order mark.

    It raises msgspec.DecodeError for everything that cannot be read, including text that is not UTF-8 and excessive
    nesting, and its subclass msgspec.ValidationError for JSON that does not have the type.
    """
    read = msgspec.json.Decoder(shape, float_hook=float_hook).decode

    def decode(data: bytes) -> _T:
        try:
            return read(data.removeprefix(_BOM))
        except RecursionError:
            raise msgspec.DecodeError("it is nested too deeply") from None
        except UnicodeDecodeError as error:
            raise msgspec.DecodeError(f"it is not UTF-8 (byte {error.object[error.start]:#04x})") from None

    return decode
