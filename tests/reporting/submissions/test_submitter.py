"""Who submits, and what a program asks for."""

from __future__ import annotations

import pytest

from ecqm.reporting.submissions.errors import SubmissionError
from ecqm.reporting.submissions.submitter import PROGRAMS, Submitter, is_npi

TIN, NPI = "123456789", "1234567893"


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("1234567893", True),  # the example of CMS's description of the check digit
        ("1234567890", False),
        ("1234567983", False),
        ("123456789", False),
        ("12345678930", False),
        ("123456789x", False),
    ],
)
def test_an_npi_has_a_check_digit(text: str, valid: bool) -> None:
    assert is_npi(text) is valid


@pytest.mark.parametrize(
    ("program", "numbers", "reason"),
    [
        ("MIPS_INDIV", {"tin": "12345678", "npi": NPI}, "12345678 is not a TIN"),
        ("MIPS_INDIV", {"tin": TIN, "npi": "1234567890"}, "1234567890 is not an NPI"),
        ("MIPS_INDIV", {"tin": TIN}, "MIPS_INDIV asks for an NPI"),
        ("MIPS_INDIV", {"npi": NPI}, "MIPS_INDIV asks for a TIN"),
        ("MIPS_GROUP", {"tin": TIN, "npi": NPI}, "MIPS_GROUP takes no NPI"),
        ("MIPS_GROUP", {}, "MIPS_GROUP asks for a TIN"),
        ("MIPS_APP1_APMENTITY", {"tin": TIN}, "MIPS_APP1_APMENTITY takes no TIN"),
        ("MIPS_APP1_APMENTITY", {}, "MIPS_APP1_APMENTITY asks for an entity identifier"),
        ("APP_PLUS_INDIV", {"tin": TIN, "npi": NPI, "entity_id": "A1"}, "APP_PLUS_INDIV takes no entity identifier"),
    ],
)
def test_a_program_asks_for_its_numbers(program: str, numbers: dict[str, str], reason: str) -> None:
    with pytest.raises(SubmissionError, match=reason):
        Submitter(program, **numbers)


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_program_has_an_entity_and_a_name(program: str) -> None:
    numbers = (
        {"tin": TIN, "npi": NPI if program.endswith("INDIV") else None}
        if program.endswith(("INDIV", "_GROUP"))
        else {"entity_id": "A1"}
    )
    submitter = Submitter(program, **numbers)
    assert submitter.entity and submitter.qpp_program in ("mips", "app1", "appPlus")
