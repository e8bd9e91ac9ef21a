"""Strings (`elm:17`): what depends on a string alone is found once for each that is different."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np

from ecqm.columns import Column, ListColumn, StringColumn
from ecqm.kernels.segments import densify, offsets_of_lengths
from ecqm.operators.vectors import vector


@vector("Split")
def split(argument: Column, separator: Column) -> Any:
    if not isinstance(argument, StringColumn) or not isinstance(separator, StringColumn) or len(separator) != 1:
        return NotImplemented
    (mark,) = separator.texts()
    dense, count = densify(argument.ids.astype(np.int64))
    representative = np.zeros(count, np.int64)
    representative[dense] = np.arange(len(dense))
    texts = argument.take(representative).texts()
    parts = [() if text is None else text.split(mark) if mark else (text,) for text in texts]
    offsets = offsets_of_lengths(np.fromiter(map(len, parts), np.int64, count))
    valid = np.fromiter((text is not None for text in texts), np.bool_, count)
    return ListColumn(offsets, StringColumn.of(chain.from_iterable(parts)), valid).take(dense)
