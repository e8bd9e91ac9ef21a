"""Supplemental data in QRDA Category III: sex, race, ethnicity and payer by the codes of the templates.

A patient counts once in every category of the patient's codes. Detailed races and ethnicities alone are in no category.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ecqm.data.qdm.qrda.entry_template import LOINC, SNOMED_CT
from ecqm.data.qdm.qrda.xml import Template
from ecqm.measures.evaluation.cms_supplements import SupplementalElement
from ecqm.reporting.results.counts import CodesCount
from ecqm.reporting.submissions.category3 import templates
from ecqm.reporting.submissions.category3.templates import Guide
from ecqm.terminology.systems import system_oid

RACE_AND_ETHNICITY = "2.16.840.1.113883.6.238"
ADMINISTRATIVE_GENDER = "2.16.840.1.113883.5.1"
SOURCE_OF_PAYMENT = "2.16.840.1.113883.3.221.5"
CMS_CLINICAL_CODES = "2.16.840.1.113883.3.249.12"

Coded = tuple[str, str]
"""A code and the OID of its system."""

FEMALE, MALE = ("248152002", SNOMED_CT), ("248153007", SNOMED_CT)
_SEXES: dict[Coded, tuple[Coded, Coded]] = {
    # By the code in the data: Federal Administrative Sex (CMS from 2026 on), ONC Administrative Sex (HL7).
    FEMALE: (FEMALE, ("F", ADMINISTRATIVE_GENDER)),
    MALE: (MALE, ("M", ADMINISTRATIVE_GENDER)),
    ("F", ADMINISTRATIVE_GENDER): (FEMALE, ("F", ADMINISTRATIVE_GENDER)),
    ("M", ADMINISTRATIVE_GENDER): (MALE, ("M", ADMINISTRATIVE_GENDER)),
}
# American Indian or Alaska Native, Asian, Black, Native Hawaiian or other Pacific Islander, White, other.
_RACES = tuple((code, RACE_AND_ETHNICITY) for code in ("1002-5", "2028-9", "2054-5", "2076-8", "2106-3", "2131-1"))
# Hispanic or Latino, not so.
_ETHNICITIES = tuple((code, RACE_AND_ETHNICITY) for code in ("2135-2", "2186-5"))
# CMS groups payers by the first digit of their code: Medicare, Medicaid, private insurance (Blue Cross too), other.
_PAYER_GROUPS = {"1": "A", "2": "B", "5": "C", "6": "C"}
_PAYER_GROUP_CODES = tuple((code, CMS_CLINICAL_CODES) for code in "ABCD")


@dataclass(frozen=True)
class SupplementForm:
    """How an element is written: its templates and code, the category of a code (None if it has none), and the
    categories that are written even if they are empty.

    `translated` marks CMS's forms, which have the category as a translation. Patients without a category are in `other`
    if there is one; otherwise they are counted as unknown where the template allows it.
    """

    templates: tuple[Template, ...]
    code: Coded
    category: Callable[[Coded], Coded | None]
    categories: tuple[Coded, ...] = ()
    translated: bool = False
    other: Coded | None = None

    @property
    def tells_unknown(self) -> bool:
        return not self.translated


def supplement_form(element: SupplementalElement, guide: Guide | None) -> SupplementForm:
    """The form of an element in a document by a guide of CMS, or by HL7 alone."""
    if element is SupplementalElement.RACE:
        return SupplementForm((templates.RACE,), ("72826-1", LOINC), _one_of(_RACES), _RACES)
    if element is SupplementalElement.ETHNICITY:
        return SupplementForm((templates.ETHNICITY,), ("69490-1", LOINC), _one_of(_ETHNICITIES), _ETHNICITIES)
    if element is SupplementalElement.SEX:
        of_cms = None if guide is None else guide.sex
        sexes = {code: forms[0 if of_cms else 1] for code, forms in _SEXES.items()}
        own = (templates.SEX, of_cms) if of_cms else (templates.SEX,)
        return SupplementForm(own, ("76689-9", LOINC), sexes.get, tuple(dict.fromkeys(sexes.values())), bool(of_cms))
    code = ("48768-6", LOINC)
    if guide is not None:
        own = (templates.PAYER, templates.PAYER_CMS)
        # An unknown payer is 9 in the typology, which CMS groups with others.
        return SupplementForm(own, code, _payer_group, _PAYER_GROUP_CODES, True, _PAYER_GROUP_CODES[-1])
    return SupplementForm((templates.PAYER,), code, _payer)


def _one_of(categories: tuple[Coded, ...]) -> Callable[[Coded], Coded | None]:
    return {category: category for category in categories}.get


def _payer(code: Coded) -> Coded | None:
    return code if code[1] == SOURCE_OF_PAYMENT else None


def _payer_group(code: Coded) -> Coded | None:
    return (_PAYER_GROUPS.get(code[0][:1], "D"), CMS_CLINICAL_CODES) if _payer(code) else None


def count_categories(form: SupplementForm, counts: Sequence[CodesCount]) -> tuple[dict[Coded, int], int]:
    """How many patients are in each category, and how many are in none."""
    found = dict.fromkeys(form.categories, 0)
    unknown = 0
    for each in counts:
        coded = [(code, system_oid(system) or system) for system, code in each.codes]
        categories = {category for code in coded if (category := form.category(code)) is not None}
        if not categories and form.other is not None:
            categories = {form.other}
        for category in sorted(categories):
            found[category] = found.get(category, 0) + each.patients
        if not categories:
            unknown += each.patients
    return found, unknown
