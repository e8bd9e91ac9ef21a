"""What is said of a patient that the data do not have."""

from __future__ import annotations

from time import process_time

import pytest

from ecqm.reporting.explanations.patients import no_such_patient

MANY = [f"{number * 7919:08x}-4a" for number in range(300_000)]


@pytest.mark.parametrize(
    ("patient", "known", "told"),
    [
        ("case-9", ["case-1", "other"], "; did you mean case-1?"),
        ("Patient/p1", ["p1", "p2"], "; did you mean p1?"),
        ("nobody", ["p1", "p2"], ", which has p1, p2"),
        (MANY[1000] + "b", MANY, f"; did you mean {MANY[1000]}"),
        ("nobody", MANY, ", which has 300000 patients"),
    ],
)
def test_near_ids_are_told_however_many_there_are(patient: str, known: list[str], told: str) -> None:
    started = process_time()
    message = str(no_such_patient(patient, known))
    assert process_time() - started < 3
    assert message.startswith(f"there is no patient {patient!r} in the data{told}")
