"""Values of primitive types, from the arrays of Arrow's JSON parser to those of the store."""

from __future__ import annotations

from contextlib import suppress
from decimal import Context

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ecqm.columns import Rows
from ecqm.data.parsing.encoding import Encodings
from ecqm.data.parsing.plain import DECIMAL_PRECISION, DECIMAL_SCALE
from ecqm.data.store.arrow import Stored, nulls_of, struct
from ecqm.kernels.calendar import DAY, MILLISECOND, MINUTE, MS_PER_UNIT
from ecqm.kernels.isodates import FlatTexts, parse_dates, parse_instants, parse_times

# Enough for all digits of an unscaled decimal.
_EXACT = Context(prec=DECIMAL_PRECISION)
_COMPLAINTS = {"DateTime": "is not a date-time", "Date": "is not a date", "Time": "is not a time of day"}


class Primitives:
    """Translates values of primitive types; collects `problems` with them: rows and messages."""

    def __init__(self, default_offset: int, encodings: Encodings) -> None:
        self._default_offset = default_offset
        self._encodings = encodings
        self.problems: list[tuple[int, str]] = []

    def stored(self, array: pa.Array, primitive: str, rows: Rows) -> Stored:
        """Values of a primitive type of the System model; their layout is without the type."""
        match primitive:
            case "DateTime" | "Date" | "Time":
                return self._temporal(array, primitive, rows)
            case "String":
                return self.texts(array), {"layout": "string"}
            case "Integer":
                return self._integers(array, rows), {"layout": "integer"}
            case "Boolean":
                return array, {"layout": "boolean"}
            case "Decimal":
                return _decimals(array)
        raise TypeError(f"{primitive} is not stored")

    def texts(self, array: pa.Array) -> pa.Array:
        """Strings as a dictionary, or as they are if most of them are distinct."""
        encoded = self._encodings.of(array)
        return encoded if 2 * len(encoded.dictionary) <= len(array) else array.cast(pa.large_utf8())

    def _temporal(self, array: pa.Array, primitive: str, rows: Rows) -> Stored:
        nulls = nulls_of(array)
        texts = _flat_texts(array)
        if primitive == "DateTime":
            parsed = parse_instants(texts)
            offset = np.where(parsed.has_offset, parsed.offset, np.int16(self._default_offset)).astype(np.int16)
            low = parsed.low - offset.astype(np.int64) * MS_PER_UNIT[MINUTE]
            parts = {"low": low, "precision": parsed.precision, "offset": offset}
            valid, layout = parsed.valid, "dateTime"
        else:
            points = (parse_dates if primitive == "Date" else parse_times)(texts)
            parts = {"low": points.low, "precision": points.precision}
            valid, layout = points.valid, primitive.lower()
        wrong = ~(valid | nulls)
        if wrong.any():
            places = np.flatnonzero(wrong)
            written = array.take(pa.array(places)).to_pylist()
            complaints = (f"{text[:60]!r} {_COMPLAINTS[primitive]}" for text in written)
            self.problems += zip(rows[places].tolist(), complaints, strict=True)
            nulls |= wrong
        # Nulls get the highest precision, so that a column in which all values have it is recognized as such.
        parts["precision"] = np.where(nulls, DAY if primitive == "Date" else MILLISECOND, parts["precision"])
        return struct({name: pa.array(part) for name, part in parts.items()}, nulls), {"layout": layout}

    def _integers(self, array: pa.Array, rows: Rows) -> pa.Array:
        bounds = pc.min_max(array).as_py()
        if bounds["min"] >= -(2**31) and bounds["max"] < 2**31:
            return array
        fits = pc.and_(pc.greater_equal(array, -(2**31)), pc.less(array, 2**31))
        for place in np.flatnonzero(pc.invert(fits).fill_null(False).to_numpy(zero_copy_only=False)).tolist():
            self.problems.append((int(rows[place]), f"'{array[place]}' is not an integer of 32 bits"))
        return pc.if_else(fits, array, pa.scalar(None, pa.int64()))


def _decimals(array: pa.Array) -> Stored:
    scale, exact = _least_scaled(array)
    words = np.frombuffer(exact.buffers()[1], np.int64)[2 * exact.offset : 2 * (exact.offset + len(exact))]
    nulls = nulls_of(array)
    unscaled, high = np.where(nulls, 0, words[::2]), words[1::2]
    layout = {"layout": "decimal", "scale": scale}
    if (nulls | (high == unscaled >> 63)).all():
        return pa.array(unscaled, mask=nulls), layout
    # As text, if 64 bits are too few.
    values = exact.to_pylist()
    return pa.array([None if value is None else str(int(value.scaleb(scale, _EXACT))) for value in values]), layout


def _least_scaled(array: pa.Array) -> tuple[int, pa.Array]:
    """The least scale that holds all of some decimals, and the decimals at that scale."""
    for scale in range(DECIMAL_SCALE):
        # Arrow offers no other way to find out.
        with suppress(pa.ArrowInvalid):
            return scale, array.cast(pa.decimal128(DECIMAL_PRECISION, scale))
    return DECIMAL_SCALE, array


def _flat_texts(array: pa.Array) -> FlatTexts:
    _, offsets, data = array.buffers()
    ends = np.frombuffer(offsets, np.int32)[array.offset : array.offset + len(array) + 1]
    return FlatTexts(np.frombuffer(data, np.uint8), ends.astype(np.int64))
