"""JSON that is not plain UTF-8: marked, or in another encoding."""

from __future__ import annotations

from codecs import BOM_UTF8
from typing import Any

import msgspec
import pytest

from ecqm.json_decoding import json_decoder

DECODE = json_decoder(dict[str, Any])


def test_byte_order_marks_are_skipped() -> None:
    assert DECODE(BOM_UTF8 + b'{"a": 1}') == {"a": 1}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf16_is_called_by_its_name(encoding: str) -> None:
    with pytest.raises(msgspec.DecodeError, match="it is UTF-16, and has to be UTF-8"):
        DECODE('{"a": 1}'.encode(encoding))


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(msgspec.DecodeError, match="truncated"):
        DECODE(b"{")
    with pytest.raises(msgspec.DecodeError, match="not UTF-8"):
        DECODE(b'{"a": "\xe9"}')
