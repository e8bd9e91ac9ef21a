"""Finding a patient by id, and what to say if there is none."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from ecqm.data import DataError

# Comparing an id with this many others takes half a second.
_COMPARED = 10_000
_FEW = 5


def only_patient(ids: Sequence[str]) -> str:
    """The only one of some patients. Raises DataError if there are several, or none."""
    if len(ids) != 1:
        raise DataError(f"the data have {len(ids):,} patients" + (": give the id of one (--patient)" if ids else ""))
    return ids[0]


def no_such_patient(patient: str, known: Sequence[str]) -> DataError:
    """What to raise for an id that no patient has: its message has similar ids, or the number of patients."""
    wanted = patient.removeprefix("Patient/")
    near = known
    if len(known) > _COMPARED:
        near = [each for each in known if each[:4] == wanted[:4] or each[-4:] == wanted[-4:]][:_COMPARED]
    close = [wanted] if wanted in known else get_close_matches(wanted, near, n=3)
    if close:
        hint = f"; did you mean {' or '.join(close)}?"
    elif len(known) <= _FEW:
        hint = f", which has {', '.join(known) or 'none'}"
    else:
        hint = f", which has {len(known)} patients"
    return DataError(f"there is no patient {patient!r} in the data{hint}")
