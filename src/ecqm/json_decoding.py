"""Decoders for untrusted JSON, which raise the same exception for all errors."""

from __future__ import annotations

from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

_T = TypeVar("_T")


def json_decoder(shape: type[_T], float_hook: Callable[[str], Any] | None = None) -> Callable[[bytes], _T]:
    """A function that decodes JSON to the type `shape`, with or without a byte order mark.

    It raises msgspec.DecodeError for everything that cannot be read, including text that is not UTF-8 and excessive
    nesting, and its subclass msgspec.ValidationError for JSON that does not have the type.
    """
    read = msgspec.json.Decoder(shape, float_hook=float_hook).decode

    def decode(data: bytes) -> _T:
        try:
            return read(data.removeprefix(BOM_UTF8))
        except RecursionError:
            raise msgspec.DecodeError("it is nested too deeply") from None
        except UnicodeDecodeError as error:
            raise msgspec.DecodeError(f"it is not UTF-8 (byte {error.object[error.start]:#04x})") from None
        except msgspec.ValidationError:
            raise
        except msgspec.DecodeError:
            if is_utf16(data):
                raise msgspec.DecodeError(UTF16) from None
            raise

    return decode


UTF16 = "it is UTF-16, and has to be UTF-8"


def is_utf16(data: bytes) -> bool:
    """Whether a text in JSON or CQL begins as UTF-16 does, with its byte order mark or without."""
    return data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) or b"\0" in data[:2]
