"""The declared operators of the language."""

from __future__ import annotations

from ecqm.elm import nodes
from ecqm.language.system_operators import system_signatures


def test_every_operator_has_a_node() -> None:
    missing = [name for name in system_signatures() if not hasattr(nodes, name)]
    assert missing == []
