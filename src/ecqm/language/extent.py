"""The depth and size of an expression when it is written as a document.

Conversions may refer to their operand several times, so nodes are shared. In a document, a shared node is written once
for each use, so the document can be much larger than the expression in memory.
"""

from __future__ import annotations

from ecqm.elm import nodes
from ecqm.elm.schema import MAX_NESTING

LARGEST = 500_000
_DEEPEST = MAX_NESTING - 2  # below the library and the definition


def extent(node: nodes.Node) -> tuple[int, int]:
    """(depth, number of nodes) of the tree of `node`; a shared node counts once for each use."""
    known: dict[int, tuple[int, int]] = {}
    waiting = [(node, False)]
    while waiting:
        current, is_expanded = waiting.pop()
        if id(current) in known:
            continue
        parts = list(nodes.children(current))
        if is_expanded:
            measured = [known[id(part)] for part in parts]
            depth = 1 + max((part[0] for part in measured), default=0)
            known[id(current)] = depth, 1 + sum(part[1] for part in measured)
        else:
            waiting.append((current, True))
            waiting.extend((part, False) for part in parts)
    return known[id(node)]


def too_large(node: nodes.Node) -> str | None:
    """The reason why an expression is too large to be written as a document; None if it is not."""
    depth, size = extent(node)
    if depth > _DEEPEST:
        return f"the expression is nested more than {_DEEPEST} levels deep"
    if size > LARGEST:
        return (
            f"the expression has {size:,} ELM nodes, more than {LARGEST:,}: conversions of choices and intervals repeat"
            " their operand; cast it or define it separately"
        )
    return None
