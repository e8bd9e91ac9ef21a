"""The committed parser is that of the grammar."""

from __future__ import annotations

import hashlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_committed_parser_was_generated_from_the_grammar() -> None:
    recorded = (ROOT / "src/ecqm/language/generated/grammar.sha256").read_text().strip()
    grammar = hashlib.sha256((ROOT / "grammar/Cql.g4").read_bytes()).hexdigest()
    assert recorded == grammar, "run tools/regenerate_parser.py"
