"""Where the published measure content is, for tests that run against it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

CONTENT = Path(os.environ.get("ECQM_CONTENT") or Path(__file__).parent.parent / ".content")

needs_content = pytest.mark.skipif(
    not (CONTENT / "ecqm-content-qicore-2025").is_dir(),
    reason="published measure content is not at hand ($ECQM_CONTENT or .content)",
)
