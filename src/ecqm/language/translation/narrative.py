"""The narrative of a definition: its source in pieces, each with the local id of the node made from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Narrative = dict[str, Any]


def narrative(context: Any, local_ids: Mapping[int, str]) -> Narrative:
    """The annotation of the element made from `context`; `local_ids` are keyed by `id(…)` of parse-tree contexts."""
    stream = context.start.getInputStream()

    def add_text(found: list[Narrative], first: int, last: int) -> None:
        if last < first:
            return
        text = stream.getText(first, last)
        if found and "value" in found[-1]:
            found[-1]["value"].append(text)
        else:
            found.append({"value": [text]})

    def add(found: list[Narrative], parts: list[Narrative]) -> None:
        for part in parts:
            if found and "value" in part and "value" in found[-1]:
                found[-1]["value"] += part["value"]
            else:
                found.append(part)

    def pieces(node: Any) -> list[Narrative]:
        found: list[Narrative] = []
        at = node.start.start
        for child in node.getChildren():
            start = getattr(child, "start", None)
            stop = getattr(child, "stop", None)
            if start is None or stop is None or stop.stop < start.start:
                continue
            add_text(found, at, start.start - 1)
            add(found, marked(child, pieces(child)))
            at = stop.stop + 1
        add_text(found, at, node.stop.stop)
        return found

    def marked(node: Any, inner: list[Narrative]) -> list[Narrative]:
        local_id = local_ids.get(id(node))
        if local_id is None or (len(inner) == 1 and inner[0].get("r") == local_id):
            return inner
        return [{"r": local_id, "s": inner}]

    span: Narrative = {"s": pieces(context)}
    local_id = local_ids.get(id(context))
    if local_id is not None:
        span = {"r": local_id, **span}
    return {"type": "Annotation", "s": span}
