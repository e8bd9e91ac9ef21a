"""The table of templates in the documentation is that of the program."""

from __future__ import annotations

from tests.scripts import ROOT, run


def test_the_table_is_current() -> None:
    assert run("tools/qrda_templates.py").strip() in (ROOT / "docs" / "qrda.md").read_text()
