"""The arrays that most functions take and give."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]
"""Row numbers, or counts and offsets of rows."""

Mask = npt.NDArray[np.bool_]
"""Whether something holds, by row."""
