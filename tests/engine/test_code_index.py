"""The index of rows by code finds what looking at every row finds."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ecqm.engine.code_index import CodeRows


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 7)), max_size=15),
    st.lists(st.booleans(), max_size=8),
    st.sampled_from([6, 10_000]),
)
def test_rows_having_a_member(pairs: list[tuple[int, int]], members: list[bool], n: int) -> None:
    rows, ids = (np.array([pair[side] for pair in pairs], np.int64) for side in (0, 1))
    found = CodeRows(ids, rows, n).having(np.array(members, np.bool_))
    wanted = {code for code, member in enumerate(members) if member}
    assert found.tolist() == sorted({row for row, code in pairs if code in wanted})
