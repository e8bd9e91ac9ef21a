"""How deep and how large an expression is once it is written out.

Conversions refer to what they convert more than once, so that an expression shares parts with itself: the tree that a
document holds can be far larger than what the translator made.
"""

from __future__ import annotations

from ecqm.elm import nodes
from ecqm.elm.schema import MAX_NESTING

LARGEST = 500_000
_DEEPEST = MAX_NESTING - 2  # below the library and the definition


def extent(node: nodes.Node) -> tuple[int, int]:
    """(depth, number of nodes) of the tree below `node`, shared parts counted as often as they occur."""
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
    """Why an expression cannot be written as a document, if it cannot."""
    depth, size = extent(node)
    if depth > _DEEPEST:
        return f"an expression nested deeper than {_DEEPEST} levels"
    if size > LARGEST:
        return f"an expression of {size:,} nodes: conversions of choices and intervals repeat what they convert"
    return None
