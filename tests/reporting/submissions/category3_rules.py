"""What QRDA Category III documents have to be like: constraints of the templates as XPath, and a reader of the counts.

The constraints are those that HL7's guide (R1 STU 2.1) and CMS's for eligible clinicians (2026) make errors, of the
templates that are written, told by their conformance numbers; Cypress's Schematron of the same year checks them alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lxml import etree

from ecqm.reporting.submissions.submitter import PROGRAMS

NAMESPACES = {"c": "urn:hl7-org:v3", "xsi": "http://www.w3.org/2001/XMLSchema-instance"}
ARC = "2.16.840.1.113883.10.20."


def of(arc: str) -> str:
    """The predicate of elements with a template: `27.3.5:2016-09-01`, exactly once and with no other extension."""
    oid, _, extension = arc.partition(":")
    version = f"@extension='{extension}'" if extension else "not(@extension)"
    return f"count(c:templateId[@root='{ARC}{oid}'])=1 and c:templateId[@root='{ARC}{oid}'][{version}]"


DOCUMENT, SECTION, ORGANIZER = "/c:ClinicalDocument", "//c:section", "//c:organizer"
DATA, COUNT, STRATUM = (f"//c:observation[{of(arc)}]" for arc in ("27.3.5:2016-09-01", "27.3.3", "27.3.4"))
RATE, VARIABLE = f"//c:observation[{of('27.3.14:2020-12-01')}]", f"//c:observation[{of('27.3.2')}]"
SEX, RACE, ETHNICITY, PAYER = (
    f"//c:observation[{of(arc)}]" for arc in ("27.3.6:2016-09-01", "27.3.8:2016-09-01", "27.3.7:2016-09-01",
                                              "27.3.9:2016-02-01")
)  # fmt: skip
PARAMETERS = f"//c:act[{of('17.3.8:2020-12-01')}]"
LOINC, ACT_CODE = "@codeSystem='2.16.840.1.113883.6.1'", "@codeSystem='2.16.840.1.113883.5.4'"
COUNTED = f"count(c:entryRelationship[@typeCode='SUBJ'][@inversionInd='true'][c:observation[{of('27.3.3')}]])=1"
COMPLETED = "count(c:statusCode[@code='completed'])=1"
EVENT = "@classCode='OBS' and @moodCode='EVN'"
REFERRED = "count(c:reference[@typeCode='REFR'])=1 and count(c:reference/c:externalObservation/c:id[@root])=1"
SUPPLEMENT = f"{EVENT} and {COMPLETED} and {COUNTED} and count(c:value[@xsi:type='CD'])=1"
RECIPIENT = "c:informationRecipient/c:intendedRecipient/c:id"
NPI, TIN = "2.16.840.1.113883.4.6", "2.16.840.1.113883.4.2"

# Templates of statements: whatever has one has it in its version, once.
VERSIONS = ("27.3.2 27.3.3 27.3.4 27.3.5:2016-09-01 27.3.6:2016-09-01 27.3.7:2016-09-01 27.3.8:2016-09-01"
            " 27.3.9:2016-02-01 27.3.14:2020-12-01 27.3.30:2016-09-01")  # fmt: skip


def having(arc: str) -> str:
    """All elements with a template in any version."""
    return f"//*[c:templateId[@root='{ARC}{arc.partition(':')[0]}']]"


# (context, test that holds of each, conformance number)
HL7: tuple[tuple[str, str, str], ...] = (
    *((having(arc), of(arc), f"version of {arc}") for arc in VERSIONS.split()),
    (DOCUMENT, of("27.1.1:2020-12-01"), "4484-17208"),
    (DOCUMENT, "count(c:realmCode[@code='US'])=1", "4484-17226"),
    (DOCUMENT, "count(c:typeId[@root='2.16.840.1.113883.1.3'][@extension='POCD_HD000040'])=1", "4484-18186"),
    (DOCUMENT, "count(c:id[@root])=1", "4484-17236"),
    (DOCUMENT, f"count(c:code[@code='55184-6'][{LOINC}])=1", "4484-17210"),
    (DOCUMENT, "count(c:title)=1 and string-length(c:title)>0", "4484-17211"),
    (DOCUMENT, "count(c:effectiveTime[@value])=1", "4484-17237"),
    (DOCUMENT, "count(c:confidentialityCode[@code='N'][@codeSystem='2.16.840.1.113883.5.25'])=1", "4484-17238"),
    (DOCUMENT, "count(c:languageCode[@code='en'])=1", "4484-17239"),
    (DOCUMENT, "count(c:recordTarget/c:patientRole/c:id[@nullFlavor='NA'])=1", "4484-17232"),
    (DOCUMENT, "count(c:author[count(c:time)=1][count(c:assignedAuthor)=1])>0", "4484-18156"),
    (DOCUMENT + "/c:author/c:assignedAuthor", "count(c:representedOrganization/c:name)>0", "4484-18163"),
    (DOCUMENT + "/c:author/c:assignedAuthor", "count(c:assignedAuthoringDevice/c:softwareName)=1", "4484-19667"),
    (DOCUMENT, "count(c:custodian/c:assignedCustodian/c:representedCustodianOrganization/c:id)=1", "4484-18165"),
    (DOCUMENT, "count(c:component/c:structuredBody/c:component/c:section)=1", "4484-21394"),
    (SECTION, f"{of('24.2.2')} and {of('27.2.1:2020-12-01')}", "4484-17284"),
    (SECTION, f"count(c:code[@code='55186-1'][{LOINC}])=1", "67-12798"),
    (SECTION, "count(c:title[text()='Measure Section'])=1 and count(c:text)=1", "67-12799"),
    (SECTION, "count(c:entry[c:organizer])>0", "4484-17906"),
    (SECTION, f"count(c:entry[c:act[{of('17.3.8:2020-12-01')}]])=1", "4484-21467"),
    (PARAMETERS, "@classCode='ACT' and @moodCode='EVN' and count(c:id)>=1", "4484-26549"),
    (PARAMETERS, "count(c:code[@code='252116004'][@codeSystem='2.16.840.1.113883.6.96'])=1", "4484-26550"),
    (PARAMETERS, "string-length(c:effectiveTime/c:low/@value)>=8", "4484-26554"),
    (PARAMETERS, "string-length(c:effectiveTime/c:high/@value)>=8", "4484-26556"),
    (ORGANIZER, f"{of('24.3.98')} and {of('27.3.1:2020-12-01')}", "4484-17908"),
    (ORGANIZER, "@classCode='CLUSTER' and @moodCode='EVN' and count(c:id)>=1", "67-26992"),
    (ORGANIZER, COMPLETED, "67-27020"),
    (ORGANIZER, "count(c:reference[@typeCode='REFR'][count(c:externalDocument[@classCode='DOC'])=1])=1", "4484-17890"),
    (ORGANIZER, "count(c:reference/c:externalDocument/c:id[@root='2.16.840.1.113883.4.738'][@extension])=1",
     "4484-18192"),
    (ORGANIZER, f"count(c:component/c:observation[{of('27.3.5:2016-09-01')}])>0", "4484-18425"),
    (DATA, EVENT, "3259-17615"),
    (DATA, f"count(c:code[@code='ASSERTION'][{ACT_CODE}])=1", "3259-18198"),
    (DATA, COMPLETED, "3259-19555"),
    (DATA, f"count(c:value[@xsi:type='CD'][@code][{ACT_CODE}])=1", "3259-21162"),
    (DATA, COUNTED, "3259-17619"),
    (DATA, REFERRED, "3259-18239"),
    (COUNT, EVENT, "77-17563"),
    (COUNT, f"count(c:code[@code='MSRAGG'][{ACT_CODE}])=1", "77-19508"),
    (COUNT, "count(c:value[@xsi:type='INT'][@value])=1", "77-17568"),
    (COUNT, "count(c:methodCode[@code='COUNT'][@codeSystem='2.16.840.1.113883.5.84'])=1", "77-19510"),
    (STRATUM, f"{EVENT} and {COMPLETED}", "77-18201"),
    (STRATUM, f"count(c:code[@code='ASSERTION'][{ACT_CODE}])=1", "77-17578"),
    (STRATUM, COUNTED, "77-17581"),
    (STRATUM, REFERRED, "77-18204"),
    (STRATUM, "count(c:value)=1", "77-17580"),
    (VARIABLE, f"{EVENT} and count(c:code)=1 and count(c:value)=1", "77-17572"),
    (VARIABLE, "count(c:methodCode[@code])=1", "77-18242"),
    (VARIABLE, REFERRED, "77-18243"),
    (RATE, f"{of('27.3.30:2016-09-01')} and {EVENT}", "3259-21298"),
    (RATE, f"count(c:code[@code='72510-1'][{LOINC}])=1 and {COMPLETED}", "3259-21305"),
    (RATE, "count(c:value[@xsi:type='REAL'][@value or @nullFlavor])=1", "4484-21445"),
    (RATE, "not(c:value/@value) or (c:value/@value>=0 and c:value/@value<=1)", "4484-21446"),
    (RATE, "string-length(substring-after(c:value/@value,'.'))<=6", "4484-21447"),
    (RATE, REFERRED, "4484-19655"),
    (RATE, f"count(c:reference/c:externalObservation/c:code[@code='NUMER'][{ACT_CODE}])=1", "4484-19658"),
    (SEX, SUPPLEMENT, "3259-18230"),
    (RACE, SUPPLEMENT, "3259-18223"),
    (ETHNICITY, SUPPLEMENT, "3259-18216"),
    (PAYER, SUPPLEMENT, "2226-21155"),
    (SEX, f"count(c:code[@code='76689-9'][{LOINC}])=1", "3259-18235"),
    (RACE, f"count(c:code[@code='72826-1'][{LOINC}])=1", "3259-18228"),
    (ETHNICITY, f"count(c:code[@code='69490-1'][{LOINC}])=1", "3259-18221"),
    (PAYER, f"count(c:code[@code='48768-6'][{LOINC}])=1", "2226-21159"),
    ("//c:code|//c:value[@xsi:type='CD']|//c:methodCode", "count(@code|@nullFlavor)=1", "CMS_0107"),
    ("//c:id|//c:setId|//c:templateId", "@root or @nullFlavor", "CMS_0108"),
    ("//c:value[@xsi:type='INT' or @xsi:type='REAL']|//c:versionNumber", "count(@value|@nullFlavor)=1",
     "CMS_0109, CMS_0111"),
    ("//c:externalDocument/c:code", "@code='57024-2'", "4484-19553"),
    ("//c:externalObservation", "@classCode", "4484-19654"),
    (DOCUMENT + "/c:participant[@typeCode='DEV']/c:associatedEntity/c:code", "@codeSystem='2.16.840.1.113883.6.96'",
     "4484-21167"),
    ("//c:time|//c:effectiveTime|//c:low|//c:high", "not(contains(@value,'+') or contains(@value,'-'))", "CMS_0122"),
)  # fmt: skip


def told(arc: str) -> str:
    return f"count(c:entryRelationship[@typeCode='COMP'][c:observation[{of(arc)}]])>=1"


def ending_in(entity: str) -> str:
    """Whether the document is for a program with this ending."""
    name = f"{RECIPIENT}/@extension"
    return f"substring({name},string-length({name})-{len(entity) - 1})='{entity}'"


PERFORMED = "/c:documentationOf/c:serviceEvent/c:performer/c:assignedEntity/c:representedOrganization"
OWN, IDS = "c:id[@extension]", "2.16.840.1.113883.3.249.5"
PERFORMER = DOCUMENT + "/c:documentationOf/c:serviceEvent[@classCode='PCPR']/c:performer[@typeCode='PRF']"
CMS: tuple[tuple[str, str, str], ...] = (
    (DOCUMENT, of("27.1.2:2025-05-01"), "CMS_1"),
    (DOCUMENT, f"count({RECIPIENT}[@root='2.16.840.1.113883.3.249.7'][@extension])=1", "CMS_7"),
    (DOCUMENT, "count(c:documentationOf[count(c:serviceEvent)=1])=1", "5562-18170_C01"),
    (DOCUMENT, "count(c:participant[@typeCode='DEV']/c:associatedEntity[@classCode='RGPR'][c:code[@code='129465004']]"
     "/c:id[@root='2.16.840.1.113883.3.2074.1'][string-length(@extension)=15])=1", "CMS_140"),
    (DOCUMENT, f"count({PERFORMER})=1", "5562-18173"),
    (PERFORMER, f"count(c:assignedEntity/c:id[@root='{NPI}'])=1", "5562-18177_C01"),
    (PERFORMER, "count(c:assignedEntity/c:representedOrganization/c:id[@extension])=1", "CMS_82, CMS_83, CMS_109"),
    (f"//c:id[@root='{NPI}' or @root='{TIN}']", "count(@extension|@nullFlavor)=1", "CMS_0118, CMS_0120"),
    (f"//c:id[@root='{NPI}'][@extension]", "string-length(@extension)=10 and number(@extension)=@extension",
     "CMS_0115"),
    (f"//c:id[@root='{TIN}'][@extension]", "string-length(@extension)=9 and number(@extension)=@extension", "CMS_0119"),
    (f"{DOCUMENT}/{RECIPIENT}", f"contains(' {' '.join(PROGRAMS)} ',concat(' ',@extension,' '))", "CMS_11"),
    (f"{DOCUMENT}[{ending_in('_INDIV')} or {ending_in('_GROUP')}]{PERFORMED}", f"count({OWN}[@root='{TIN}'])=1",
     "CMS_82, CMS_112"),
    (f"{DOCUMENT}[{ending_in('_APMENTITY')}]{PERFORMED}", f"count({OWN}[@root='{IDS}.4'])=1", "CMS_109"),
    (f"{DOCUMENT}[{ending_in('_VIRTUALGROUP')}]{PERFORMED}", f"count({OWN}[@root='{IDS}.2'])=1", "CMS_83"),
    (f"{DOCUMENT}[{ending_in('_SUBGROUP')}]{PERFORMED}", f"count({OWN}[@root='{IDS}.5'])=1", "CMS_114"),
    (DOCUMENT + "/c:participant[@typeCode='TRC']/c:associatedEntity",
     f"@classCode='PROG' and count(c:id)=1 and count(c:id[@root='{IDS}.6'][@extension])=1", "CMS_121, CMS_122"),
    (SECTION, of("27.2.3:2025-05-01"), "CMS_64"),
    (ORGANIZER, of("27.3.17:2025-05-01"), "CMS_54"),
    (DATA, of("27.3.16:2025-05-01"), "CMS_41"),
    (DATA, told("27.3.18:2018-05-01"), "4427-18141_C01"),
    (DATA, told("27.3.21:2025-05-01"), "4427-18136_C01"),
    (DATA, told("27.3.8:2016-09-01"), "4427-18140_C01"),
    (DATA, told("27.3.7:2016-09-01"), "4427-18139_C01"),
    (RATE, of("27.3.25:2022-05-01"), "CMS_59"),
    (SEX, of("27.3.21:2025-05-01"), "CMS_144"),
    (having("27.3.21"), of("27.3.6:2016-09-01"), "CMS_144"),
    (SEX, "count(c:value[@nullFlavor='OTH']/c:translation[@code='248152002' or @code='248153007'])=1", "CMS_150"),
    (PAYER, of("27.3.18:2018-05-01"), "CMS_47"),
    (PAYER, "count(c:value[@nullFlavor='OTH']/c:translation[@code][contains('ABCD',@code)])=1", "CMS_53"),
    (RACE, "c:value[@nullFlavor='UNK' or contains('1002-5 2028-9 2054-5 2076-8 2106-3 2131-1',@code)]", "3259-18229"),
    (ETHNICITY, "c:value[@nullFlavor='UNK' or contains('2135-2 2186-5',@code)]", "3259-18222"),
)  # fmt: skip


def violations(document: bytes, *rules: tuple[str, str, str]) -> list[str]:
    """What a document has to be and is not, by conformance number and line."""
    root: Any = etree.fromstring(document)
    return [
        f"{number}: line {each.sourceline} is not {test}"
        for context, test, number in rules
        for each in root.xpath(context, namespaces=NAMESPACES)
        if not each.xpath(f"boolean({test})", namespaces=NAMESPACES)
    ]


# -- reading back -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Population:
    """A population of a document, by the UUID of its specification."""

    identifier: str
    code: str
    count: int
    strata: dict[str, int]
    supplements: dict[str, int]
    observed: dict[str, str | None]


@dataclass(frozen=True)
class Measure:
    version: str
    set_id: str | None
    rates: dict[str, str | None]
    populations: list[Population]


_SUPPLEMENTS = {"76689-9", "72826-1", "69490-1", "48768-6"}


def read(document: bytes) -> list[Measure]:
    """The measures of a document with all that it counts."""
    return [_measure(each) for each in etree.fromstring(document).iter("{urn:hl7-org:v3}organizer")]


def _one(element: Any, path: str) -> Any:
    found = element.xpath(path, namespaces=NAMESPACES)
    return found[0] if found else None


def _measure(organizer: Any) -> Measure:
    observations = organizer.xpath("c:component/c:observation", namespaces=NAMESPACES)
    rates = [each for each in observations if _one(each, "c:code/@code") == "72510-1"]
    return Measure(
        _one(organizer, "c:reference/c:externalDocument/c:id/@extension"),
        _one(organizer, "c:reference/c:externalDocument/c:setId/@root"),
        {_referred(each): _one(each, "c:value/@value") for each in rates},
        [_population(each) for each in observations if each not in rates],
    )


def _population(data: Any) -> Population:
    parts = data.xpath("c:entryRelationship[@typeCode='COMP']/c:observation", namespaces=NAMESPACES)
    return Population(
        _referred(data),
        _one(data, "c:value/@code"),
        _count(data),
        {_referred(each): _count(each) for each in parts if _one(each, "c:value/c:originalText") is not None},
        dict(_supplements(parts)),
        {_referred(each): _one(each, "c:value/@value") for each in parts if _one(each, "c:methodCode") is not None},
    )


def _supplements(parts: list[Any]) -> Iterator[tuple[str, int]]:
    for each in parts:
        if _one(each, "c:code/@code") in _SUPPLEMENTS:
            value = _one(each, "c:value")
            yield _one(value, "c:translation/@code") or value.get("code") or value.get("nullFlavor"), _count(each)


def _referred(observation: Any) -> str:
    return str(_one(observation, "c:reference/c:externalObservation/c:id/@root"))


def _count(observation: Any) -> int:
    return int(_one(observation, "c:entryRelationship[@typeCode='SUBJ']/c:observation/c:value/@value"))
