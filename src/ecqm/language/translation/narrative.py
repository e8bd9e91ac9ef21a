"""The narrative of a definition: its source in pieces, each with the local id of the node made from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Narrative = dict[str, Any]
"""A text (`{"value": […]}`), or a span of the node with local id `r` (`{"r": …, "s": […]}`)."""


def narrative(context: Any, local_ids: Mapping[int, str]) -> Narrative:
    """The annotation of the element made from `context`; `local_ids` are keyed by `id(…)` of parse-tree contexts."""
    span: Narrative = {"s": _Spans(context.start.getInputStream(), local_ids).inside(context)}
    local_id = local_ids.get(id(context))
    if local_id is not None:
        span = {"r": local_id, **span}
    return {"type": "Annotation", "s": span}


class _Spans:
    def __init__(self, source: Any, local_ids: Mapping[int, str]) -> None:
        self.source = source
        self.local_ids = local_ids

    def inside(self, context: Any) -> list[Narrative]:
        """The source of a context: the spans of its children, and the texts between them."""
        found: list[Narrative] = []
        at = context.start.start
        for child in context.getChildren():
            start = getattr(child, "start", None)
            stop = getattr(child, "stop", None)
            if start is None or stop is None or stop.stop < start.start:
                continue
            self._append_text(found, at, start.start - 1)
            for part in self.of(child):
                _append(found, part)
            at = stop.stop + 1
        self._append_text(found, at, context.stop.stop)
        return found

    def of(self, context: Any) -> list[Narrative]:
        """The span of a context; the spans inside if it has no local id, or one inner span with the same."""
        inner = self.inside(context)
        local_id = self.local_ids.get(id(context))
        if local_id is None or (len(inner) == 1 and inner[0].get("r") == local_id):
            return inner
        return [{"r": local_id, "s": inner}]

    def _append_text(self, found: list[Narrative], first: int, last: int) -> None:
        if first <= last:
            _append(found, {"value": [self.source.getText(first, last)]})


def _append(found: list[Narrative], part: Narrative) -> None:
    """Append a part; consecutive texts become one."""
    if found and "value" in part and "value" in found[-1]:
        found[-1]["value"] += part["value"]
    else:
        found.append(part)
