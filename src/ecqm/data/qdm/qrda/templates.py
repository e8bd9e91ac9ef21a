"""The entry templates of QRDA Category I, STU 5.3: which data type each one is, and where its attributes are.

OIDs are written as arcs of 2.16.840.1.113883.10.20, with the extension that R5.3 gives them. A template of which the
data type's own statement is a part (an order as an act about a supply) has a `wrapper`.
"""

from __future__ import annotations

from collections.abc import Mapping

from ecqm.data.qdm.qrda import shared_places as at
from ecqm.data.qdm.qrda.datatypes import ANY, CODE, DATE, INTEGER, QUANTITY, RANGE, SPAN, TIME
from ecqm.data.qdm.qrda.entry_template import (
    ACT_CLASS,
    ACT_CODE,
    EVENT,
    LOINC,
    SNOMED_CT,
    EntryTemplate,
    Fixed,
    Wrapper,
)
from ecqm.data.qdm.qrda.places import (
    COMPONENTS,
    DIAGNOSES,
    FACILITY_LOCATIONS,
    RELATED,
    RESULT_COMPONENTS,
    At,
    Entities,
    Identity,
    Place,
)
from ecqm.data.qdm.qrda.xml import steps, template

_MATERIAL = "consumable/manufacturedProduct[classCode=MANU]{22.4.23:2014-06-09}/manufacturedMaterial/code"
_VACCINE = "consumable/manufacturedProduct[classCode=MANU]{22.4.54:2014-06-09}/manufacturedMaterial/code"
_DEVICE = "participant[typeCode=DEV]/participantRole[classCode=MANU]/playingDevice[classCode=DEV]/code"
_GIVEN = "entryRelationship[typeCode=REFR]/substanceAdministration[classCode=SBADM][moodCode=EVN]"
_ASSERTION: Fixed = {"code": ("ASSERTION", ACT_CODE)}


def _of(
    template_text: str,
    data_types: str,
    statement: str,
    *places: Place,
    conforms: str = "",
    fixed: Fixed | None = None,
    status: str | None = "completed",
    wrapper: Wrapper | None = None,
    outer: tuple[Place, ...] = (),
    also: tuple[Place, ...] = (),
) -> EntryTemplate:
    """A template; `statement` is `tag class mood`, `conforms` the C-CDA templates that it builds on."""
    tag, class_code, mood = statement.split()
    inherited = "".join(f"{{{each}}}" for each in conforms.split())
    step = f"{tag}[classCode={class_code}][moodCode={mood}]{inherited}{{{template_text}}}"
    types = tuple(data_types.split())
    return EntryTemplate(template(template_text), types, step, places, fixed or {}, status, wrapper, outer, also)


def _act(template_text: str, mood: str, code: str, system: str = ACT_CLASS) -> Wrapper:
    step = f"act[classCode=ACT][moodCode={mood}]{{{template_text}}}"
    return Wrapper(step, "entryRelationship[typeCode=SUBJ]", {"code": (code, system)})


def _concern(template_text: str) -> Wrapper:
    step = f"act[classCode=ACT][moodCode=EVN]{{22.4.3:2015-08-01}}{{{template_text}}}"
    return Wrapper(
        step, "entryRelationship[typeCode=SUBJ]", {"code": ("CONC", ACT_CLASS), "statusCode": ("active", None)}
    )


_ORDER, _PLAN = "OBS RQO", "OBS INT"
_PLANNED = "22.4.44:2014-06-09"

TEMPLATES: tuple[EntryTemplate, ...] = (
    _of("24.3.146:2021-08-01", "AdverseEvent", "observation OBS EVN",
        at.codes(f"entryRelationship[typeCode=CAUS][inversionInd=true]/{EVENT}{{24.3.148:2017-08-01}}/value"),
        At("type", f"entryRelationship[typeCode=MFST][inversionInd=true]/{EVENT}{{22.4.9:2014-06-09}}/value", CODE),
        at.AUTHOR, at.RELEVANT_TIME, at.SEVERITY, at.FACILITY, at.RECORDER,
        fixed={**_ASSERTION, "value": ("281647001", SNOMED_CT)}),
    _of("24.3.147:2021-08-01", "AllergyIntolerance", "observation OBS EVN",
        at.codes("participant[typeCode=CSM]/participantRole[classCode=MANU]/playingEntity[classCode=MMAT]/code"),
        at.AUTHOR, at.PREVALENCE, At("type", "value", CODE), at.SEVERITY, at.RECORDER,
        conforms="24.3.90:2014-06-09", fixed=_ASSERTION),
    _of("24.3.144:2021-08-01", "AssessmentPerformed", "observation OBS EVN",
        at.codes(), at.AUTHOR, at.RELEVANT_TIME, at.RELEVANT_PERIOD, at.REASONED, at.METHOD, At("result", "value", ANY),
        At("interpretation", "interpretationCode", CODE), COMPONENTS, RELATED, at.PERFORMER),
    _of("24.3.158:2021-08-01", "AssessmentOrder", f"observation {_ORDER}",
        at.codes(), at.AUTHOR, at.REASONED, at.REQUESTER, conforms=_PLANNED, status="active"),
    _of("24.3.145:2021-08-01", "AssessmentRecommended", f"observation {_PLAN}",
        at.codes(), at.AUTHOR, at.REASONED, at.REQUESTER, conforms=_PLANNED, status="active"),
    _of("24.3.48:2021-08-01", "PatientCareExperience", "observation OBS EVN",
        at.codes("value"), at.AUTHOR, at.RECORDER, fixed={"code": ("77218-6", LOINC)}),
    _of("24.3.67:2021-08-01", "ProviderCareExperience", "observation OBS EVN",
        at.codes("value"), at.AUTHOR, at.RECORDER, fixed={"code": ("77219-4", LOINC)}),
    _of("24.3.114:2017-08-01", "ProviderCharacteristic", "observation OBS EVN",
        at.codes("value"), at.AUTHOR, fixed=_ASSERTION),
    _of("24.3.1:2021-08-01", "CareGoal", "observation OBS GOL",
        at.codes(), at.RELEVANT_SPAN, At("statusDate", "author{24.3.155:2019-12-01}/time", DATE),
        At("targetOutcome", f"entryRelationship[typeCode=REFR]/{EVENT}{{24.3.119:2017-08-01}}/value", ANY),
        RELATED, at.PERFORMER, conforms="22.4.121", status="active"),
    _of("24.3.156:2021-08-01", "CommunicationPerformed", "act ACT EVN",
        at.codes(f"entryRelationship[typeCode=REFR]/{EVENT}{{24.3.88:2017-08-01}}/value"),
        at.AUTHOR, At("category", "code", CODE), At("sentDatetime", "effectiveTime/low", TIME),
        At("receivedDatetime", "effectiveTime/high", TIME),
        At("medium", "participant[typeCode=VIA]/participantRole/code", CODE),
        Entities("sender", "AUT"), Entities("recipient", "IRCP"), RELATED),
    _of("24.3.135:2021-08-01", "Diagnosis", "observation OBS EVN",
        at.codes("value"), at.AUTHOR, at.PREVALENCE, at.SITE, at.SEVERITY, at.RECORDER,
        conforms="22.4.4:2015-08-01", fixed={"code": ("29308-4", LOINC)}, wrapper=_concern("24.3.137:2021-08-01")),
    _of("24.3.136:2021-08-01", "Symptom", "observation OBS EVN",
        at.codes("value"), at.PREVALENCE, at.SEVERITY, at.RECORDER,
        conforms="22.4.4:2015-08-01", fixed={"code": ("75325-1", LOINC)}, wrapper=_concern("24.3.138:2021-08-01")),
    _of("24.3.112:2021-08-01", "FamilyHistory", "observation OBS EVN",
        at.codes("value"), at.AUTHOR, at.RECORDER, conforms="22.4.46:2015-08-01", fixed={"code": ("75323-6", LOINC)},
        wrapper=Wrapper("organizer[classCode=CLUSTER][moodCode=EVN]{22.4.45:2015-08-01}{24.3.12:2021-08-01}",
                        "component", {"statusCode": ("completed", None)}),
        outer=(At("relationship", "subject/relatedSubject[classCode=PRS]/code", CODE),)),
    _of("24.3.7:2019-12-01", "DeviceApplied", "procedure PROC EVN",
        at.codes(_DEVICE), at.AUTHOR, at.RELEVANT_TIME, at.RELEVANT_PERIOD, at.REASONED, at.SITE, at.PERFORMER,
        conforms="22.4.14:2014-06-09", fixed={"code": ("360030002", SNOMED_CT)}),
    _of("24.3.9:2021-08-01", "DeviceOrder", "supply SPLY RQO",
        at.codes(_DEVICE), at.AUTHOR, at.REASONED, at.REQUESTER,
        conforms="22.4.43:2014-06-09", status="active", wrapper=_act("24.3.130:2021-08-01", "RQO", "SPLY")),
    _of("24.3.10:2021-08-01", "DeviceRecommended", "supply SPLY INT",
        at.codes(_DEVICE), at.AUTHOR, at.REASONED, at.REQUESTER,
        conforms="22.4.43:2014-06-09", status="active", wrapper=_act("24.3.131:2021-08-01", "INT", "SPLY")),
    _of("24.3.17:2021-08-01", "DiagnosticStudyOrder", f"observation {_ORDER}",
        at.codes(), at.AUTHOR, at.REASONED, at.REQUESTER, conforms=_PLANNED, status="active"),
    _of("24.3.18:2021-08-01", "DiagnosticStudyPerformed", "observation OBS EVN",
        at.codes(), at.AUTHOR, at.RELEVANT_TIME, at.RELEVANT_PERIOD, at.REASONED, *at.RESULTS, at.STATUS, at.METHOD,
        at.FACILITY, COMPONENTS,
        RELATED, at.PERFORMER, conforms="22.4.13:2014-06-09"),
    _of("24.3.19:2021-08-01", "DiagnosticStudyRecommended", f"observation {_PLAN}",
        at.codes(), at.AUTHOR, at.REQUESTER, conforms=_PLANNED, status="active"),
    _of("24.3.22:2021-08-01", "EncounterOrder", "encounter ENC RQO",
        at.codes(), at.AUTHOR, at.REASONED, at.FACILITY, at.PRIORITY, at.REQUESTER,
        conforms="22.4.40:2014-06-09", status="active", wrapper=_act("24.3.132:2021-08-01", "RQO", "ENC")),
    _of("24.3.23:2021-08-01", "EncounterPerformed", "encounter ENC EVN",
        at.codes(), at.AUTHOR, at.RELEVANT_SPAN,
        At("admissionSource",
           "participant[typeCode=ORG]/participantRole[classCode=SDLOC]{24.3.151:2017-08-01}/code", CODE,
           ("participant/participantRole{24.3.151:2017-08-01}/code",)),
        At("class",
           "entryRelationship[typeCode=REFR]/act[classCode=ACT][moodCode=EVN]{24.3.171:2021-08-01}/code", CODE),
        At("dischargeDisposition", "sdtc:dischargeDispositionCode", CODE), at.PRIORITY,
        DIAGNOSES, FACILITY_LOCATIONS, RELATED, Entities("participant", "PRF"), conforms="22.4.49:2015-08-01"),
    _of("24.3.24:2021-08-01", "EncounterRecommended", "encounter ENC INT",
        at.codes(), at.AUTHOR, at.REASONED, at.FACILITY, at.REQUESTER,
        conforms="22.4.40:2014-06-09", status="active", wrapper=_act("24.3.134:2021-08-01", "INT", "ENC")),
    _of("24.3.51:2017-08-01", "PatientCharacteristicClinicalTrialParticipant", "observation OBS EVN",
        at.codes("value"), at.RELEVANT_SPAN, at.REASONED, fixed=_ASSERTION, status="active"),
    _of("24.3.54:2016-02-01", "PatientCharacteristicExpired", "observation OBS EVN",
        At("expiredDatetime", "effectiveTime/low", TIME, ("effectiveTime",)), at.codes("value"),
        At("cause", f"entryRelationship[typeCode=CAUS][inversionInd=true]/{EVENT}{{22.4.4:2015-08-01}}/value", CODE),
        conforms="22.4.79:2015-08-01", fixed=_ASSERTION),
    _of("24.3.55", "PatientCharacteristicPayer", "observation OBS EVN",
        at.codes("value"), at.RELEVANT_SPAN, fixed={"code": ("48768-6", LOINC)}),
    _of("24.3.103:2019-12-01", "PatientCharacteristic", "observation OBS EVN",
        at.codes("value"), at.AUTHOR, fixed=_ASSERTION, status=None),
    _of("24.3.31:2021-08-01", "InterventionOrder", "act ACT RQO",
        at.codes(), at.AUTHOR, at.REASONED, at.REQUESTER, conforms="22.4.39:2014-06-09", status="active"),
    _of("24.3.32:2021-08-01", "InterventionPerformed", "act ACT EVN",
        at.codes(), at.AUTHOR, at.RELEVANT_TIME, at.RELEVANT_PERIOD, at.REASONED, at.RESULT_VALUE, at.STATUS, RELATED,
        at.PERFORMER, conforms="22.4.12:2014-06-09"),
    _of("24.3.33:2021-08-01", "InterventionRecommended", "act ACT INT",
        at.codes(), at.AUTHOR, at.REASONED, at.REQUESTER, conforms="22.4.39:2014-06-09", status="active"),
    _of("24.3.37:2021-08-01", "LaboratoryTestOrder", f"observation {_ORDER}",
        at.codes(), at.AUTHOR, at.REASONED, at.REQUESTER, conforms=_PLANNED, status="active"),
    _of("24.3.38:2021-08-01", "LaboratoryTestPerformed", "observation OBS EVN",
        at.codes(), at.AUTHOR, at.RELEVANT_TIME, at.RELEVANT_PERIOD, at.REASONED, *at.RESULTS, at.STATUS, at.METHOD,
        At("referenceRange", f"{at.RESULT}/referenceRange/observationRange/value", RANGE,
           (f"{at.FORMER_RESULT}/referenceRange/observationRange/value",)), RESULT_COMPONENTS,
        RELATED, at.PERFORMER),
    _of("24.3.39:2021-08-01", "LaboratoryTestRecommended", f"observation {_PLAN}",
        at.codes(), at.AUTHOR, at.REASONED, at.REQUESTER, conforms=_PLANNED, status="active"),
    _of("24.3.41:2021-08-01", "MedicationActive", "substanceAdministration SBADM EVN",
        at.codes(_MATERIAL), at.RELEVANT_TIME, at.RELEVANT_PERIOD, at.DOSAGE, at.DOSE_FREQUENCY, at.ROUTE, at.RECORDER,
        conforms="22.4.16:2014-06-09", status="active"),
    _of("24.3.42:2021-08-01", "MedicationAdministered SubstanceAdministered", "substanceAdministration SBADM EVN",
        at.codes(_MATERIAL), at.AUTHOR, at.RELEVANT_TIME, at.RELEVANT_PERIOD, at.DOSAGE, at.DOSE_FREQUENCY, at.ROUTE,
        at.REASONED, at.PERFORMER,
        conforms="22.4.16:2014-06-09"),
    _of("22.4.16:2014-06-09", "MedicationDischarge", "substanceAdministration SBADM EVN",
        at.codes(_MATERIAL), at.AUTHOR, at.REFILLS, at.DOSAGE, *at.SUPPLIED, at.DOSE_FREQUENCY, at.ROUTE,
        Entities("prescriber", "PRF"), at.RECORDER,
        status="active", wrapper=_act("24.3.105:2021-08-01", "RQO", "75311-1", LOINC),
        also=(*at.SUPPLIED, Entities("prescriber", "PRF"), at.RECORDER)),
    _of("24.3.45:2021-08-01", "MedicationDispensed", "supply SPLY EVN",
        at.codes("product/manufacturedProduct[classCode=MANU]{22.4.23:2014-06-09}/manufacturedMaterial/code"),
        at.AUTHOR, at.RELEVANT_TIME, at.RELEVANT_PERIOD, At("refills", "repeatNumber", INTEGER,
        (f"{_GIVEN}/repeatNumber",)),
        *at.SUPPLIED,
        *(At(place.attribute, f"{_GIVEN}/{place.path}", place.codec) for place in (at.DOSAGE, at.DOSE_FREQUENCY,
        at.ROUTE)),
        Entities("prescriber", "PRF"), Entities("dispenser", "DIST"), RELATED,
        conforms="22.4.18:2014-06-09", wrapper=_act("24.3.139:2021-08-01", "EVN", "SPLY")),
    _of("24.3.47:2021-08-01", "MedicationOrder SubstanceOrder", "substanceAdministration SBADM RQO",
        at.codes(_MATERIAL), at.AUTHOR, at.RELEVANT_SPAN, at.REFILLS, at.DOSAGE, *at.SUPPLIED, at.DOSE_FREQUENCY,
        at.ROUTE,
        At("setting", "participant[typeCode=LOC]/participantRole[classCode=SDLOC]/code", CODE), at.REASONED,
        Entities("prescriber", "PRF"), at.REQUESTER, RELATED, conforms="22.4.42:2014-06-09", status="active"),
    _of("24.3.58:2021-08-01", "PhysicalExamOrder", f"observation {_ORDER}",
        at.codes("value"), at.AUTHOR, at.REASONED, at.SITE, at.REQUESTER,
        conforms=_PLANNED, fixed={"code": ("29545-1", LOINC)}, status="active"),
    _of("24.3.59:2021-08-01", "PhysicalExamPerformed", "observation OBS EVN",
        at.codes(), at.AUTHOR, at.RELEVANT_TIME, at.RELEVANT_PERIOD, at.REASONED, at.METHOD, At("result", "value",
        ANY), at.SITE, COMPONENTS,
        RELATED, at.PERFORMER, conforms="22.4.13:2014-06-09"),
    _of("24.3.60:2021-08-01", "PhysicalExamRecommended", f"observation {_PLAN}",
        at.codes("value"), at.AUTHOR, at.REASONED, at.SITE, at.REQUESTER,
        conforms=_PLANNED, fixed={"code": ("29545-1", LOINC)}, status="active"),
    _of("24.3.63:2021-08-01", "ProcedureOrder", "procedure PROC RQO",
        at.codes(), at.AUTHOR, at.REASONED, at.SITE, at.RANK, at.PRIORITY, at.REQUESTER,
        conforms="22.4.41:2014-06-09", status="active"),
    _of("24.3.64:2021-08-01", "ProcedurePerformed", "procedure PROC EVN",
        at.codes(), at.AUTHOR, at.RELEVANT_TIME, at.RELEVANT_PERIOD, at.REASONED, at.METHOD, at.RESULT_VALUE,
        at.STATUS, at.SITE,
        at.RANK,
        At("incisionDatetime",
           "entryRelationship[typeCode=REFR]/procedure[classCode=PROC][moodCode=EVN]{24.3.89}/effectiveTime", TIME),
        COMPONENTS, RELATED, at.PERFORMER, conforms="22.4.14:2014-06-09"),
    _of("24.3.65:2021-08-01", "ProcedureRecommended", "procedure PROC INT",
        at.codes(), at.AUTHOR, at.REASONED, at.SITE, at.RANK, at.REQUESTER, conforms="22.4.41:2014-06-09",
        status="active"),
    _of("24.3.75:2021-08-01", "SubstanceRecommended", "substanceAdministration SBADM INT",
        at.codes(_MATERIAL), at.AUTHOR, at.REASONED, at.DOSAGE, at.DOSE_FREQUENCY, at.REFILLS, at.ROUTE, at.REQUESTER,
        conforms="22.4.42:2014-06-09", status="active"),
    _of("24.3.140:2021-08-01", "ImmunizationAdministered", "substanceAdministration SBADM EVN",
        at.codes(_VACCINE), at.AUTHOR, at.RELEVANT_TIME, at.REASONED, at.DOSAGE, at.ROUTE, at.PERFORMER,
        conforms="22.4.52:2015-08-01"),
    _of("24.3.143:2021-08-01", "ImmunizationOrder", "substanceAdministration SBADM RQO",
        at.codes(_VACCINE), At("activeDatetime", "effectiveTime", TIME, ("effectiveTime/low",)), at.AUTHOR, at.DOSAGE,
        At("supply", at.SUPPLY, QUANTITY), at.REASONED, at.ROUTE, at.REQUESTER,
        conforms="22.4.120", status="active"),
    _of("24.3.154:2021-08-01", "Participation", "observation OBS EVN",
        at.codes("value"), At("participationPeriod", "effectiveTime", SPAN), fixed=_ASSERTION),
    _of("24.3.170:2019-12-01", "RelatedPerson", "observation OBS EVN",
        at.codes("value"), Identity("identifier", "participant[typeCode=PRF]/participantRole[classCode=PAT]/id"),
        fixed={"code": ("444018008", SNOMED_CT)}, status=None),
)  # fmt: skip

# Entries of the sections that are about the report, not the patient.
REPORT_ENTRIES: Mapping[str, str] = {
    template("24.3.98").oid: "measure reference",
    template("24.3.97").oid: "measure reference",
    template("17.3.8").oid: "reporting parameters",
    template("17.3.8.1").oid: "reporting parameters",
}
# Wrappers that earlier releases had around statements which now stand alone.
FORMER_WRAPPERS: Mapping[str, str] = {template("24.3.133").oid: "entryRelationship/encounter{24.3.23:2021-08-01}"}


def by_data_type(name: str) -> EntryTemplate | None:
    """The template that a data type is written as; None if R5.3 has none for it."""
    return _BY_DATA_TYPE.get(name)


def by_oid(oid: str) -> EntryTemplate | None:
    """The template with an OID: its own, or that of its wrapper."""
    return _BY_OID.get(oid)


_BY_DATA_TYPE = {name: each for each in TEMPLATES for name in each.data_types}


def _oids() -> dict[str, EntryTemplate]:
    found = {}
    for each in TEMPLATES:
        if each.wrapper is None:
            found[each.template.oid] = each
        else:
            found[steps(each.wrapper.step)[0].templates[-1].oid] = each
            if each.template.oid != template("22.4.16").oid:
                # The medication activity of C-CDA is not a data type where nothing says that it is at discharge.
                found[each.template.oid] = each
    return found


_BY_OID = _oids()
