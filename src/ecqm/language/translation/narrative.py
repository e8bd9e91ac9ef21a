"""The narrative of a definition: its source, in pieces that name the nodes made from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Narrative = dict[str, Any]


def narrative(context: Any, local_ids: Mapping[int, str]) -> Narrative:
    """The annotation of the element made from `context`; `local_ids` by the identity of parse-tree contexts."""
    stream = context.start.getInputStream()

    def text(first: int, last: int) -> list[Narrative]:
        return [{"value": [stream.getText(first, last)]}] if last >= first else []

    def pieces(node: Any) -> list[Narrative]:
        found: list[Narrative] = []
        at = node.start.start
        for child in node.getChildren():
            start = getattr(child, "start", None)
            stop = getattr(child, "stop", None)
            if start is None or stop is None or stop.stop < start.start:
                continue
            found += text(at, start.start - 1)
            inner = pieces(child)
            local_id = local_ids.get(id(child))
            found += inner if local_id is None else [{"r": local_id, "s": inner}]
            at = stop.stop + 1
        return found + text(at, node.stop.stop)

    span: Narrative = {"s": pieces(context)}
    local_id = local_ids.get(id(context))
    if local_id is not None:
        span = {"r": local_id, **span}
    return {"type": "Annotation", "s": span}
