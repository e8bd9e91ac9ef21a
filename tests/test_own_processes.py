"""Processes of ecqm's own."""

from __future__ import annotations

import subprocess
import sys

import pytest

ARROW = "import sys, pyarrow; pyarrow.array([1]); print('pandas' in sys.modules)"


@pytest.mark.parametrize("before", ["", "from ecqm.own_processes import keep_out_pandas; keep_out_pandas(); "])
def test_arrow_does_without_pandas_where_it_is_kept_out(before: str) -> None:
    pytest.importorskip("pandas")
    told = subprocess.run([sys.executable, "-c", before + ARROW], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == str(not before)


def test_the_command_keeps_out_pandas() -> None:
    script = "import sys; from ecqm.__main__ import main; sys.argv = ['ecqm', 'eval', 'import pandas']"
    finders = f"{script}\ntry: main()\nexcept SystemExit: print([type(each).__name__ for each in sys.meta_path][0])"
    told = subprocess.run([sys.executable, "-c", finders], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "_NoPandas"


def test_pandas_is_let_in_where_it_is_needed() -> None:
    before = "from ecqm.own_processes import keep_out_pandas, let_in_pandas; keep_out_pandas(); let_in_pandas(); "
    pytest.importorskip("pandas")
    told = subprocess.run([sys.executable, "-c", before + ARROW], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "True"
