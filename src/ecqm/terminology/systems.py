"""The canonical names of code systems, which documents name by URI or OID.

FHIR names a code system by URI (`http://snomed.info/sct`), QDM and QRDA by bare OID, and some FHIR content by
`urn:oid:…`. `canonical_system` maps all names of a system to the URI in FHIR R4, and `system_oid` maps back. A system
that is not in the table keeps its name; a bare OID becomes `urn:oid:…`.
"""

from __future__ import annotations

import re
from functools import lru_cache

# (URI in FHIR, OID or None, other URIs in use for the same system)
_WELL_KNOWN: tuple[tuple[str, str | None, tuple[str, ...]], ...] = (
    ("http://snomed.info/sct", "2.16.840.1.113883.6.96", ()),
    ("http://loinc.org", "2.16.840.1.113883.6.1", ()),
    ("http://www.nlm.nih.gov/research/umls/rxnorm", "2.16.840.1.113883.6.88", ()),
    ("http://hl7.org/fhir/sid/icd-10-cm", "2.16.840.1.113883.6.90", ()),
    ("http://hl7.org/fhir/sid/icd-10", "2.16.840.1.113883.6.3", ()),
    (
        "http://www.cms.gov/Medicare/Coding/ICD10",
        "2.16.840.1.113883.6.4",
        ("https://www.cms.gov/Medicare/Coding/ICD10", "http://hl7.org/fhir/sid/icd-10-pcs"),
    ),
    ("http://hl7.org/fhir/sid/icd-9-cm", "2.16.840.1.113883.6.103", ()),
    ("http://terminology.hl7.org/CodeSystem/icd9cm-procedure", "2.16.840.1.113883.6.104", ()),
    ("http://www.ama-assn.org/go/cpt", "2.16.840.1.113883.6.12", ()),
    (
        "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
        "2.16.840.1.113883.6.285",
        (
            "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
            "http://terminology.hl7.org/CodeSystem/HCPCS-all-codes",
        ),
    ),
    ("http://hl7.org/fhir/sid/cvx", "2.16.840.1.113883.12.292", ("2.16.840.1.113883.6.59",)),
    ("http://hl7.org/fhir/sid/mvx", "2.16.840.1.113883.12.227", ()),
    ("http://hl7.org/fhir/sid/ndc", "2.16.840.1.113883.6.69", ()),
    ("http://www.ada.org/cdt", "2.16.840.1.113883.6.13", ()),
    ("http://www.ada.org/snodent", "2.16.840.1.113883.3.3150", ()),
    ("http://unitsofmeasure.org", "2.16.840.1.113883.6.8", ()),
    ("http://fdasis.nlm.nih.gov", "2.16.840.1.113883.4.9", ()),
    ("http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl", "2.16.840.1.113883.3.26.1.1", ()),
    ("http://hl7.org/fhir/ndfrt", "2.16.840.1.113883.3.26.1.5", ()),
    ("http://www.nlm.nih.gov/research/umls/MED-RT", "2.16.840.1.113883.6.345", ()),
    ("http://nucc.org/provider-taxonomy", "2.16.840.1.113883.6.101", ()),
    ("urn:oid:2.16.840.1.113883.6.238", "2.16.840.1.113883.6.238", ("http://terminology.hl7.org/CodeSystem/CDCREC",)),
    ("https://nahdo.org/sopt", "2.16.840.1.113883.3.221.5", ("http://terminology.hl7.org/CodeSystem/SOP",)),
    (
        "https://www.cdc.gov/nhsn/cdaportal/terminology/codesystem/hsloc.html",
        "2.16.840.1.113883.6.259",
        ("http://www.cdc.gov/nhsn/cdaportal/terminology/codesystem/hsloc.html",),
    ),
    ("https://www.nubc.org/CodeSystem/PatDischargeStatus", "2.16.840.1.113883.6.301.5", ()),
    ("https://www.nubc.org/CodeSystem/RevenueCodes", "2.16.840.1.113883.6.301.3", ()),
    (
        "https://www.cms.gov/Medicare/Medicare-Fee-for-Service-Payment/HospitalAcqCond/Coding",
        "2.16.840.1.113883.6.301.11",
        (),
    ),
    (
        "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set",
        "2.16.840.1.113883.6.50",
        (),
    ),
    ("http://hl7.org/fhir/administrative-gender", "2.16.840.1.113883.4.642.4.2", ()),
)

# HL7 version 3 code systems: the name in terminology.hl7.org, and the last arc of the OID, under 2.16.840.1.113883.5.
# Before R4, FHIR named them http://hl7.org/fhir/v3/<name>.
_HL7_V3: tuple[tuple[str, str], ...] = (
    ("AdministrativeGender", "1"),
    ("MaritalStatus", "2"),
    ("ActCode", "4"),
    ("ActClass", "6"),
    ("ActPriority", "7"),
    ("ActReason", "8"),
    ("ActStatus", "14"),
    ("Confidentiality", "25"),
    ("EncounterSpecialCourtesy", "40"),
    ("EntityNameUse", "45"),
    ("Ethnicity", "50"),
    ("LanguageAbilityMode", "60"),
    ("ObservationInterpretation", "83"),
    ("ObservationMethod", "84"),
    ("ParticipationMode", "1064"),
    ("ParticipationType", "90"),
    ("Race", "104"),
    ("RoleClass", "110"),
    ("RoleCode", "111"),
    ("RouteOfAdministration", "112"),
    ("ActMood", "1001"),
    ("ActRelationshipType", "1002"),
    ("NullFlavor", "1008"),
    ("ObservationValue", "1063"),
    ("ReligiousAffiliation", "1076"),
    ("LivingArrangement", "63"),
)

# The code system of "none of this value set" (negation in QRDA I): the code is the OID of the value set. The OID of the
# system is the one that the certification community uses.
VALUE_SETS = "1.2.3.4.5.6.7.8.9.10"

_OID = re.compile(r"(?:urn:oid:)?([0-2](?:\.(?:0|[1-9]\d*))+)")


def _tables() -> tuple[dict[str, str], dict[str, str]]:
    spellings: dict[str, str] = {}
    oids: dict[str, str] = {}
    v3 = (
        (
            f"http://terminology.hl7.org/CodeSystem/v3-{name}",
            f"2.16.840.1.113883.5.{arc}",
            (f"http://hl7.org/fhir/v3/{name}",),
        )
        for name, arc in _HL7_V3
    )
    for uri, oid, others in (*_WELL_KNOWN, *v3):
        for other in (uri, *others):
            spellings[other] = uri
        if oid is not None:
            spellings[oid] = spellings[f"urn:oid:{oid}"] = uri
            oids[uri] = oid
    return spellings, oids


_CANONICAL, _OID_OF = _tables()


def bare_oid(identifier: str) -> str | None:
    """The OID in `identifier`, bare or as `urn:oid:…`; None if it is not an OID."""
    match = _OID.fullmatch(identifier)
    return match[1] if match else None


@lru_cache(maxsize=4096)
def canonical_system(system: str | None) -> str:
    """The canonical name of a code system: its FHIR URI if it is in the table, otherwise the name in the document.

    A bare OID that is not in the table becomes `urn:oid:…`. A missing system becomes the empty string, which is a
    system of its own: a code without a system equals only codes without one.
    """
    if not system:
        return ""
    known = _CANONICAL.get(system)
    if known is not None:
        return known
    oid = bare_oid(system)
    return f"urn:oid:{oid}" if oid else system


def system_oid(system: str) -> str | None:
    """The OID of a code system, given by any name; None if it is unknown."""
    canonical = canonical_system(system)
    return _OID_OF.get(canonical) or bare_oid(canonical)


def is_known_system(system: str) -> bool:
    """Whether a code system, given by any name, is in the table with an OID."""
    return canonical_system(system) in _OID_OF
