"""Strings (`elm:17`), evaluated once for each distinct string."""

from __future__ import annotations

from itertools import chain

import numpy as np

from ecqm.columns import Column, ListColumn, StringColumn
from ecqm.kernels.segments import offsets_of_lengths, representatives
from ecqm.operators.vectors import Result, vector


@vector("Split")
def split(argument: Column, separator: Column) -> Result:
    if not isinstance(argument, StringColumn) or not isinstance(separator, StringColumn) or len(separator) != 1:
        return None
    (mark,) = separator.texts()
    rows, place = representatives(argument.keys())
    texts = argument.take(rows).texts()
    parts = [() if text is None else text.split(mark) if mark else (text,) for text in texts]
    offsets = offsets_of_lengths(np.fromiter(map(len, parts), np.int64, len(rows)))
    valid = np.fromiter((text is not None for text in texts), np.bool_, len(rows))
    return ListColumn(offsets, StringColumn.of(chain.from_iterable(parts)), valid).take(place)
