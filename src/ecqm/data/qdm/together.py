"""One patient in several documents: what they say of the patient is put together.

Documents are written for measures, facilities and periods, so that several of them say the same. An element with the
data type, id and content of one in an earlier document is that element. One without an id is another element, unless it
is a characteristic of the patient, which QRDA has in its header.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ecqm.data.qdm.structs import STORE_ID

Identity = tuple[str | None, str]
"""Who gave a patient an id, and the id."""

_CHARACTERISTIC = "PatientCharacteristic"
_DAY = len("YYYY-MM-DD")
_encode = msgspec.json.Encoder().encode


class Together:
    """The patients of several documents, by identity."""

    def __init__(self) -> None:
        self._rows: dict[Identity, int] = {}
        # The elements of the patients that are in several documents, by row.
        self._known: dict[int, set[bytes | None]] = {}

    def row(self, identity: Identity, new: int) -> int:
        """The row of a patient; the `new` one for a patient who is in no earlier document."""
        return self._rows.setdefault(identity, new)

    def repeated(self, row: int, first: Any, patient: Any) -> frozenset[int]:
        """The numbers of the elements of a document that an earlier one has too; `first` is the first document of the
        patient. What one document says twice is not repeated."""
        if row not in self._known:
            self._known[row] = set(map(_content, first.dataElements or ()))
        contents = list(map(_content, patient.dataElements or ()))
        known = self._known[row] - {None}
        self._known[row].update(contents)
        return frozenset(number for number, content in enumerate(contents) if content in known)


def _content(element: Any) -> bytes | None:
    """What tells an element from others; None for one that is like no other."""
    values = {name: getattr(element, name) for name in element.__struct_fields__}
    stored = values.pop(STORE_ID, None)
    if values.get("id") is None:
        values["id"] = stored
    name = type(element).__name__
    if values["id"] is None and not name.startswith(_CHARACTERISTIC):
        return None
    return _encode((name, values))


def complete(first: Any, patient: Any) -> str | None:
    """Add to the first document of a patient what another one says of the person; a message if they contradict each
    other, and the first one holds."""
    births = [each.birthDatetime for each in (first, patient)]
    for name in ("birthDatetime", "familyName", "givenNames"):
        if getattr(first, name) is None:
            setattr(first, name, getattr(patient, name))
    if None not in births and births[0][:_DAY] != births[1][:_DAY]:
        return f"another document of this patient says {births[0]!r} for the birth date; this one says {births[1]!r}"
    return None
