"""The entry templates of QRDA Category I, STU 5.3: which data type each one is, and where its attributes are.

OIDs are written as arcs of 2.16.840.1.113883.10.20, with the extension that R5.3 gives them. A template of which the
data type's own statement is a part (an order as an act about a supply) has a `wrapper`.
"""

from __future__ import annotations

from collections.abc import Mapping

from ecqm.data.qdm.qrda.datatypes import (
    ANY,
    CODE,
    CODES,
    DATE,
    DAYS,
    INTEGER,
    PERIOD,
    QUANTITY,
    RANGE,
    SPAN,
    TIME,
)
from ecqm.data.qdm.qrda.entry_template import (
    ACT_CLASS,
    ACT_CODE,
    EVENT,
    LOINC,
    REASON,
    SNOMED_CT,
    EntryTemplate,
    Fixed,
    Wrapper,
)
from ecqm.data.qdm.qrda.frequencies import FREQUENCY
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
from ecqm.data.qdm.schema import CODES as DATA_ELEMENT_CODES

_RESULT = f"entryRelationship[typeCode=REFR]/{EVENT}{{22.4.2:2015-08-01}}{{24.3.87:2019-12-01}}"
# Before R5.3 a result was the observation of C-CDA alone.
_FORMER_RESULT = f"entryRelationship[typeCode=REFR]/{EVENT}{{22.4.2:2015-08-01}}"
_MATERIAL = "consumable/manufacturedProduct[classCode=MANU]{22.4.23:2014-06-09}/manufacturedMaterial/code"
_VACCINE = "consumable/manufacturedProduct[classCode=MANU]{22.4.54:2014-06-09}/manufacturedMaterial/code"
_DEVICE = "participant[typeCode=DEV]/participantRole[classCode=MANU]/playingDevice[classCode=DEV]/code"
_SUPPLY = "entryRelationship[typeCode=REFR]/supply[classCode=SPLY][moodCode=RQO]{24.3.99:2019-12-01}/quantity"
_GIVEN = "entryRelationship[typeCode=REFR]/substanceAdministration[classCode=SBADM][moodCode=EVN]"
_DAYS = "entryRelationship[typeCode=REFR]/supply[classCode=SPLY][moodCode=EVN]{24.3.157:2018-10-01}/quantity"

# What the statements of these templates hold beside what QDM puts there.
FIXED_CODES: Mapping[str, tuple[str, str]] = {
    template("24.3.88").oid: ("77301-0", LOINC),
    template("24.3.166").oid: ("263486008", SNOMED_CT),
    template("24.3.168").oid: ("29308-4", LOINC),
    template("24.3.169").oid: ("78026-2", LOINC),
    template("24.3.89").oid: ("34896006", SNOMED_CT),
    template("24.3.93").oid: ("33999-4", LOINC),
    template("24.3.148").oid: ("ASSERTION", ACT_CODE),
    template("22.4.9").oid: ("ASSERTION", ACT_CODE),
    template("22.4.8").oid: ("SEV", ACT_CODE),
    template("22.4.4").oid: ("29308-4", LOINC),
}
# Templates whose observation is of the same thing as the statement that holds it, and so has its code.
SAME_CODE = frozenset((template("24.3.87").oid, template("24.3.119").oid))
COMPLETED = frozenset(template(arc).oid for arc in ("24.3.87", "22.4.8", "22.4.9"))


def _codes(path: str = "code", *others: str) -> At:
    return At(DATA_ELEMENT_CODES, path, CODES, others)


_AUTHOR = At("authorDatetime", "author{24.3.155:2019-12-01}/time", TIME, ("author/time",))
_MOMENT = At("relevantDatetime", "effectiveTime", TIME)
_PERIOD = At("relevantPeriod", "effectiveTime", PERIOD)
# Where there is no attribute for a point in time, that is a period too.
_SPAN = At("relevantPeriod", "effectiveTime", SPAN)
_PREVALENCE = At("prevalencePeriod", "effectiveTime", SPAN)
_REASONED = At("reason", REASON, CODE)
_METHOD = At("method", "methodCode", CODE)
_SITE = At("anatomicalLocationSite", "targetSiteCode", CODE)
_PRIORITY = At("priority", "priorityCode", CODE)
_ROUTE = At("route", "routeCode", CODE)
_DOSAGE = At("dosage", "doseQuantity", QUANTITY)
_FREQUENCY = At("frequency", "effectiveTime[operator=A]", FREQUENCY)
_SUPPLIED: tuple[Place, ...] = (
    At("supply", _SUPPLY, QUANTITY, ("quantity",)),
    At("daysSupplied", _DAYS, DAYS),
)
_REFILLS = At("refills", "repeatNumber", INTEGER)
_SEVERITY = At("severity", f"entryRelationship[typeCode=REFR]/{EVENT}{{22.4.8:2014-06-09}}/value", CODE)
_STATUS = At("status", f"entryRelationship[typeCode=REFR]/{EVENT}{{24.3.93:2019-12-01}}/value", CODE)
_RANK = At("rank", f"entryRelationship[typeCode=REFR]/{EVENT}{{24.3.166:2019-12-01}}/value", INTEGER)
_FACILITY = At(
    "facilityLocation",
    "participant[typeCode=LOC]{24.3.100:2017-08-01}/participantRole[classCode=SDLOC]/code",
    CODE,
    ("participant[typeCode=LOC]/participantRole[classCode=SDLOC]/code",),
)
_RESULT_VALUE = At("result", f"{_RESULT}/value", ANY, (f"{_FORMER_RESULT}/value",))
_RESULTS: tuple[Place, ...] = (
    _RESULT_VALUE,
    At("resultDatetime", f"{_RESULT}/effectiveTime", TIME, (f"{_FORMER_RESULT}/effectiveTime",)),
    At("interpretation", f"{_RESULT}/interpretationCode", CODE, (f"{_FORMER_RESULT}/interpretationCode",)),
)
_PERFORMER = Entities("performer", "PRF")
_REQUESTER = Entities("requester", "PRF")
_RECORDER = Entities("recorder", "AUT")
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
        _codes(f"entryRelationship[typeCode=CAUS][inversionInd=true]/{EVENT}{{24.3.148:2017-08-01}}/value"),
        At("type", f"entryRelationship[typeCode=MFST][inversionInd=true]/{EVENT}{{22.4.9:2014-06-09}}/value", CODE),
        _AUTHOR, _MOMENT, _SEVERITY, _FACILITY, _RECORDER,
        fixed={**_ASSERTION, "value": ("281647001", SNOMED_CT)}),
    _of("24.3.147:2021-08-01", "AllergyIntolerance", "observation OBS EVN",
        _codes("participant[typeCode=CSM]/participantRole[classCode=MANU]/playingEntity[classCode=MMAT]/code"),
        _AUTHOR, _PREVALENCE, At("type", "value", CODE), _SEVERITY, _RECORDER,
        conforms="24.3.90:2014-06-09", fixed=_ASSERTION),
    _of("24.3.144:2021-08-01", "AssessmentPerformed", "observation OBS EVN",
        _codes(), _AUTHOR, _MOMENT, _PERIOD, _REASONED, _METHOD, At("result", "value", ANY),
        At("interpretation", "interpretationCode", CODE), COMPONENTS, RELATED, _PERFORMER),
    _of("24.3.158:2021-08-01", "AssessmentOrder", f"observation {_ORDER}",
        _codes(), _AUTHOR, _REASONED, _REQUESTER, conforms=_PLANNED, status="active"),
    _of("24.3.145:2021-08-01", "AssessmentRecommended", f"observation {_PLAN}",
        _codes(), _AUTHOR, _REASONED, _REQUESTER, conforms=_PLANNED, status="active"),
    _of("24.3.48:2021-08-01", "PatientCareExperience", "observation OBS EVN",
        _codes("value"), _AUTHOR, _RECORDER, fixed={"code": ("77218-6", LOINC)}),
    _of("24.3.67:2021-08-01", "ProviderCareExperience", "observation OBS EVN",
        _codes("value"), _AUTHOR, _RECORDER, fixed={"code": ("77219-4", LOINC)}),
    _of("24.3.114:2017-08-01", "ProviderCharacteristic", "observation OBS EVN",
        _codes("value"), _AUTHOR, fixed=_ASSERTION),
    _of("24.3.1:2021-08-01", "CareGoal", "observation OBS GOL",
        _codes(), _SPAN, At("statusDate", "author{24.3.155:2019-12-01}/time", DATE),
        At("targetOutcome", f"entryRelationship[typeCode=REFR]/{EVENT}{{24.3.119:2017-08-01}}/value", ANY),
        RELATED, _PERFORMER, conforms="22.4.121", status="active"),
    _of("24.3.156:2021-08-01", "CommunicationPerformed", "act ACT EVN",
        _codes(f"entryRelationship[typeCode=REFR]/{EVENT}{{24.3.88:2017-08-01}}/value"),
        _AUTHOR, At("category", "code", CODE), At("sentDatetime", "effectiveTime/low", TIME),
        At("receivedDatetime", "effectiveTime/high", TIME),
        At("medium", "participant[typeCode=VIA]/participantRole/code", CODE),
        Entities("sender", "AUT"), Entities("recipient", "IRCP"), RELATED),
    _of("24.3.135:2021-08-01", "Diagnosis", "observation OBS EVN",
        _codes("value"), _AUTHOR, _PREVALENCE, _SITE, _SEVERITY, _RECORDER,
        conforms="22.4.4:2015-08-01", fixed={"code": ("29308-4", LOINC)}, wrapper=_concern("24.3.137:2021-08-01")),
    _of("24.3.136:2021-08-01", "Symptom", "observation OBS EVN",
        _codes("value"), _PREVALENCE, _SEVERITY, _RECORDER,
        conforms="22.4.4:2015-08-01", fixed={"code": ("75325-1", LOINC)}, wrapper=_concern("24.3.138:2021-08-01")),
    _of("24.3.112:2021-08-01", "FamilyHistory", "observation OBS EVN",
        _codes("value"), _AUTHOR, _RECORDER, conforms="22.4.46:2015-08-01", fixed={"code": ("75323-6", LOINC)},
        wrapper=Wrapper("organizer[classCode=CLUSTER][moodCode=EVN]{22.4.45:2015-08-01}{24.3.12:2021-08-01}",
                        "component", {"statusCode": ("completed", None)}),
        outer=(At("relationship", "subject/relatedSubject[classCode=PRS]/code", CODE),)),
    _of("24.3.7:2019-12-01", "DeviceApplied", "procedure PROC EVN",
        _codes(_DEVICE), _AUTHOR, _MOMENT, _PERIOD, _REASONED, _SITE, _PERFORMER,
        conforms="22.4.14:2014-06-09", fixed={"code": ("360030002", SNOMED_CT)}),
    _of("24.3.9:2021-08-01", "DeviceOrder", "supply SPLY RQO",
        _codes(_DEVICE), _AUTHOR, _REASONED, _REQUESTER,
        conforms="22.4.43:2014-06-09", status="active", wrapper=_act("24.3.130:2021-08-01", "RQO", "SPLY")),
    _of("24.3.10:2021-08-01", "DeviceRecommended", "supply SPLY INT",
        _codes(_DEVICE), _AUTHOR, _REASONED, _REQUESTER,
        conforms="22.4.43:2014-06-09", status="active", wrapper=_act("24.3.131:2021-08-01", "INT", "SPLY")),
    _of("24.3.17:2021-08-01", "DiagnosticStudyOrder", f"observation {_ORDER}",
        _codes(), _AUTHOR, _REASONED, _REQUESTER, conforms=_PLANNED, status="active"),
    _of("24.3.18:2021-08-01", "DiagnosticStudyPerformed", "observation OBS EVN",
        _codes(), _AUTHOR, _MOMENT, _PERIOD, _REASONED, *_RESULTS, _STATUS, _METHOD, _FACILITY, COMPONENTS,
        RELATED, _PERFORMER, conforms="22.4.13:2014-06-09"),
    _of("24.3.19:2021-08-01", "DiagnosticStudyRecommended", f"observation {_PLAN}",
        _codes(), _AUTHOR, _REQUESTER, conforms=_PLANNED, status="active"),
    _of("24.3.22:2021-08-01", "EncounterOrder", "encounter ENC RQO",
        _codes(), _AUTHOR, _REASONED, _FACILITY, _PRIORITY, _REQUESTER,
        conforms="22.4.40:2014-06-09", status="active", wrapper=_act("24.3.132:2021-08-01", "RQO", "ENC")),
    _of("24.3.23:2021-08-01", "EncounterPerformed", "encounter ENC EVN",
        _codes(), _AUTHOR, _SPAN,
        At("admissionSource",
           "participant[typeCode=ORG]/participantRole[classCode=SDLOC]{24.3.151:2017-08-01}/code", CODE,
           ("participant/participantRole{24.3.151:2017-08-01}/code",)),
        At("class",
           "entryRelationship[typeCode=REFR]/act[classCode=ACT][moodCode=EVN]{24.3.171:2021-08-01}/code", CODE),
        At("dischargeDisposition", "sdtc:dischargeDispositionCode", CODE), _PRIORITY,
        DIAGNOSES, FACILITY_LOCATIONS, RELATED, Entities("participant", "PRF"), conforms="22.4.49:2015-08-01"),
    _of("24.3.24:2021-08-01", "EncounterRecommended", "encounter ENC INT",
        _codes(), _AUTHOR, _REASONED, _FACILITY, _REQUESTER,
        conforms="22.4.40:2014-06-09", status="active", wrapper=_act("24.3.134:2021-08-01", "INT", "ENC")),
    _of("24.3.51:2017-08-01", "PatientCharacteristicClinicalTrialParticipant", "observation OBS EVN",
        _codes("value"), _SPAN, _REASONED, fixed=_ASSERTION, status="active"),
    _of("24.3.54:2016-02-01", "PatientCharacteristicExpired", "observation OBS EVN",
        At("expiredDatetime", "effectiveTime/low", TIME, ("effectiveTime",)), _codes("value"),
        At("cause", f"entryRelationship[typeCode=CAUS][inversionInd=true]/{EVENT}{{22.4.4:2015-08-01}}/value", CODE),
        conforms="22.4.79:2015-08-01", fixed=_ASSERTION),
    _of("24.3.55", "PatientCharacteristicPayer", "observation OBS EVN",
        _codes("value"), _SPAN, fixed={"code": ("48768-6", LOINC)}),
    _of("24.3.103:2019-12-01", "PatientCharacteristic", "observation OBS EVN",
        _codes("value"), _AUTHOR, fixed=_ASSERTION, status=None),
    _of("24.3.31:2021-08-01", "InterventionOrder", "act ACT RQO",
        _codes(), _AUTHOR, _REASONED, _REQUESTER, conforms="22.4.39:2014-06-09", status="active"),
    _of("24.3.32:2021-08-01", "InterventionPerformed", "act ACT EVN",
        _codes(), _AUTHOR, _MOMENT, _PERIOD, _REASONED, _RESULT_VALUE, _STATUS, RELATED,
        _PERFORMER, conforms="22.4.12:2014-06-09"),
    _of("24.3.33:2021-08-01", "InterventionRecommended", "act ACT INT",
        _codes(), _AUTHOR, _REASONED, _REQUESTER, conforms="22.4.39:2014-06-09", status="active"),
    _of("24.3.37:2021-08-01", "LaboratoryTestOrder", f"observation {_ORDER}",
        _codes(), _AUTHOR, _REASONED, _REQUESTER, conforms=_PLANNED, status="active"),
    _of("24.3.38:2021-08-01", "LaboratoryTestPerformed", "observation OBS EVN",
        _codes(), _AUTHOR, _MOMENT, _PERIOD, _REASONED, *_RESULTS, _STATUS, _METHOD,
        At("referenceRange", f"{_RESULT}/referenceRange/observationRange/value", RANGE,
           (f"{_FORMER_RESULT}/referenceRange/observationRange/value",)), RESULT_COMPONENTS,
        RELATED, _PERFORMER),
    _of("24.3.39:2021-08-01", "LaboratoryTestRecommended", f"observation {_PLAN}",
        _codes(), _AUTHOR, _REASONED, _REQUESTER, conforms=_PLANNED, status="active"),
    _of("24.3.41:2021-08-01", "MedicationActive", "substanceAdministration SBADM EVN",
        _codes(_MATERIAL), _MOMENT, _PERIOD, _DOSAGE, _FREQUENCY, _ROUTE, _RECORDER,
        conforms="22.4.16:2014-06-09", status="active"),
    _of("24.3.42:2021-08-01", "MedicationAdministered SubstanceAdministered", "substanceAdministration SBADM EVN",
        _codes(_MATERIAL), _AUTHOR, _MOMENT, _PERIOD, _DOSAGE, _FREQUENCY, _ROUTE, _REASONED, _PERFORMER,
        conforms="22.4.16:2014-06-09"),
    _of("22.4.16:2014-06-09", "MedicationDischarge", "substanceAdministration SBADM EVN",
        _codes(_MATERIAL), _AUTHOR, _REFILLS, _DOSAGE, *_SUPPLIED, _FREQUENCY, _ROUTE,
        Entities("prescriber", "PRF"), _RECORDER,
        status="active", wrapper=_act("24.3.105:2021-08-01", "RQO", "75311-1", LOINC),
        also=(*_SUPPLIED, Entities("prescriber", "PRF"), _RECORDER)),
    _of("24.3.45:2021-08-01", "MedicationDispensed", "supply SPLY EVN",
        _codes("product/manufacturedProduct[classCode=MANU]{22.4.23:2014-06-09}/manufacturedMaterial/code"),
        _AUTHOR, _MOMENT, _PERIOD, At("refills", "repeatNumber", INTEGER, (f"{_GIVEN}/repeatNumber",)),
        *_SUPPLIED,
        *(At(place.attribute, f"{_GIVEN}/{place.path}", place.codec) for place in (_DOSAGE, _FREQUENCY, _ROUTE)),
        Entities("prescriber", "PRF"), Entities("dispenser", "DIST"), RELATED,
        conforms="22.4.18:2014-06-09", wrapper=_act("24.3.139:2021-08-01", "EVN", "SPLY")),
    _of("24.3.47:2021-08-01", "MedicationOrder SubstanceOrder", "substanceAdministration SBADM RQO",
        _codes(_MATERIAL), _AUTHOR, _SPAN, _REFILLS, _DOSAGE, *_SUPPLIED, _FREQUENCY, _ROUTE,
        At("setting", "participant[typeCode=LOC]/participantRole[classCode=SDLOC]/code", CODE), _REASONED,
        Entities("prescriber", "PRF"), _REQUESTER, RELATED, conforms="22.4.42:2014-06-09", status="active"),
    _of("24.3.58:2021-08-01", "PhysicalExamOrder", f"observation {_ORDER}",
        _codes("value"), _AUTHOR, _REASONED, _SITE, _REQUESTER,
        conforms=_PLANNED, fixed={"code": ("29545-1", LOINC)}, status="active"),
    _of("24.3.59:2021-08-01", "PhysicalExamPerformed", "observation OBS EVN",
        _codes(), _AUTHOR, _MOMENT, _PERIOD, _REASONED, _METHOD, At("result", "value", ANY), _SITE, COMPONENTS,
        RELATED, _PERFORMER, conforms="22.4.13:2014-06-09"),
    _of("24.3.60:2021-08-01", "PhysicalExamRecommended", f"observation {_PLAN}",
        _codes("value"), _AUTHOR, _REASONED, _SITE, _REQUESTER,
        conforms=_PLANNED, fixed={"code": ("29545-1", LOINC)}, status="active"),
    _of("24.3.63:2021-08-01", "ProcedureOrder", "procedure PROC RQO",
        _codes(), _AUTHOR, _REASONED, _SITE, _RANK, _PRIORITY, _REQUESTER,
        conforms="22.4.41:2014-06-09", status="active"),
    _of("24.3.64:2021-08-01", "ProcedurePerformed", "procedure PROC EVN",
        _codes(), _AUTHOR, _MOMENT, _PERIOD, _REASONED, _METHOD, _RESULT_VALUE, _STATUS, _SITE,
        _RANK,
        At("incisionDatetime",
           "entryRelationship[typeCode=REFR]/procedure[classCode=PROC][moodCode=EVN]{24.3.89}/effectiveTime", TIME),
        COMPONENTS, RELATED, _PERFORMER, conforms="22.4.14:2014-06-09"),
    _of("24.3.65:2021-08-01", "ProcedureRecommended", "procedure PROC INT",
        _codes(), _AUTHOR, _REASONED, _SITE, _RANK, _REQUESTER, conforms="22.4.41:2014-06-09", status="active"),
    _of("24.3.75:2021-08-01", "SubstanceRecommended", "substanceAdministration SBADM INT",
        _codes(_MATERIAL), _AUTHOR, _REASONED, _DOSAGE, _FREQUENCY, _REFILLS, _ROUTE, _REQUESTER,
        conforms="22.4.42:2014-06-09", status="active"),
    _of("24.3.140:2021-08-01", "ImmunizationAdministered", "substanceAdministration SBADM EVN",
        _codes(_VACCINE), _AUTHOR, _MOMENT, _REASONED, _DOSAGE, _ROUTE, _PERFORMER, conforms="22.4.52:2015-08-01"),
    _of("24.3.143:2021-08-01", "ImmunizationOrder", "substanceAdministration SBADM RQO",
        _codes(_VACCINE), At("activeDatetime", "effectiveTime", TIME, ("effectiveTime/low",)), _AUTHOR, _DOSAGE,
        At("supply", _SUPPLY, QUANTITY), _REASONED, _ROUTE, _REQUESTER,
        conforms="22.4.120", status="active"),
    _of("24.3.154:2021-08-01", "Participation", "observation OBS EVN",
        _codes("value"), At("participationPeriod", "effectiveTime", SPAN), fixed=_ASSERTION),
    _of("24.3.170:2019-12-01", "RelatedPerson", "observation OBS EVN",
        _codes("value"), Identity("identifier", "participant[typeCode=PRF]/participantRole[classCode=PAT]/id"),
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
