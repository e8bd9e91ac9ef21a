"""What a run needs of value sets and does not find."""

from __future__ import annotations

from dataclasses import dataclass

from ecqm.terminology.expansion import Expansion

_USERS_SHOWN = 5


@dataclass(frozen=True)
class MissingValueSet:
    """A value set that a run needs and that is missing or incomplete.

    `found` is the incomplete value set, None if there is none. `users` are the libraries or definitions that refer to
    it. `versions` are the available versions if another one was requested, and `pinned` is the version in a manifest.
    """

    id: str
    users: tuple[str, ...]
    found: Expansion | None = None
    versions: tuple[str, ...] = ()
    pinned: str | None = None

    def __str__(self) -> str:
        if self.found is not None:
            return f"{self._place}: {len(self.found.codes)} codes; {'; '.join(self.found.problems)}"
        if self.versions:
            wanted = "this version" if self.pinned is None else f"version {self.pinned} of the manifest"
            return f"{self._place}: {wanted} not found; available: {', '.join(self.versions)}"
        return f"{self._place}: not found"

    @property
    def _place(self) -> str:
        if not self.users:
            return self.id
        others = len(self.users) - _USERS_SHOWN
        shown = ", ".join(self.users[:_USERS_SHOWN]) + (f" and {others} more" if others > 0 else "")
        return f"{self.id} (used by {shown})"
