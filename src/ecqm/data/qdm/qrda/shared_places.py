"""Where attributes are that many entry templates of QRDA Category I have in the same place."""

from __future__ import annotations

from ecqm.data.qdm.qrda.datatypes import ANY, CODE, CODES, DAYS, INTEGER, PERIOD, QUANTITY, SPAN, TIME
from ecqm.data.qdm.qrda.entry_template import EVENT, REASON
from ecqm.data.qdm.qrda.frequencies import FREQUENCY
from ecqm.data.qdm.qrda.places import At, Entities, Place
from ecqm.data.qdm.schema import CODES as DATA_ELEMENT_CODES

RESULT = f"entryRelationship[typeCode=REFR]/{EVENT}{{22.4.2:2015-08-01}}{{24.3.87:2019-12-01}}"
# Before R5.3 a result was the observation of C-CDA alone.
FORMER_RESULT = f"entryRelationship[typeCode=REFR]/{EVENT}{{22.4.2:2015-08-01}}"
SUPPLY = "entryRelationship[typeCode=REFR]/supply[classCode=SPLY][moodCode=RQO]{24.3.99:2019-12-01}/quantity"
DAYS_SUPPLIED = "entryRelationship[typeCode=REFR]/supply[classCode=SPLY][moodCode=EVN]{24.3.157:2018-10-01}/quantity"


def codes(path: str = "code", *others: str) -> At:
    """The codes of the data element itself."""
    return At(DATA_ELEMENT_CODES, path, CODES, others)


AUTHOR = At("authorDatetime", "author{24.3.155:2019-12-01}/time", TIME, ("author/time",))
RELEVANT_TIME = At("relevantDatetime", "effectiveTime", TIME)
RELEVANT_PERIOD = At("relevantPeriod", "effectiveTime", PERIOD)
# Where there is no attribute for a point in time, that is a period too.
RELEVANT_SPAN = At("relevantPeriod", "effectiveTime", SPAN)
PREVALENCE = At("prevalencePeriod", "effectiveTime", SPAN)
REASONED = At("reason", REASON, CODE)
METHOD = At("method", "methodCode", CODE)
SITE = At("anatomicalLocationSite", "targetSiteCode", CODE)
PRIORITY = At("priority", "priorityCode", CODE)
ROUTE = At("route", "routeCode", CODE)
DOSAGE = At("dosage", "doseQuantity", QUANTITY)
DOSE_FREQUENCY = At("frequency", "effectiveTime[operator=A]", FREQUENCY)
SUPPLIED: tuple[Place, ...] = (
    At("supply", SUPPLY, QUANTITY, ("quantity",)),
    At("daysSupplied", DAYS_SUPPLIED, DAYS),
)
REFILLS = At("refills", "repeatNumber", INTEGER)
SEVERITY = At("severity", f"entryRelationship[typeCode=REFR]/{EVENT}{{22.4.8:2014-06-09}}/value", CODE)
STATUS = At("status", f"entryRelationship[typeCode=REFR]/{EVENT}{{24.3.93:2019-12-01}}/value", CODE)
RANK = At("rank", f"entryRelationship[typeCode=REFR]/{EVENT}{{24.3.166:2019-12-01}}/value", INTEGER)
FACILITY = At(
    "facilityLocation",
    "participant[typeCode=LOC]{24.3.100:2017-08-01}/participantRole[classCode=SDLOC]/code",
    CODE,
    ("participant[typeCode=LOC]/participantRole[classCode=SDLOC]/code",),
)
RESULT_VALUE = At("result", f"{RESULT}/value", ANY, (f"{FORMER_RESULT}/value",))
RESULTS: tuple[Place, ...] = (
    RESULT_VALUE,
    At("resultDatetime", f"{RESULT}/effectiveTime", TIME, (f"{FORMER_RESULT}/effectiveTime",)),
    At("interpretation", f"{RESULT}/interpretationCode", CODE, (f"{FORMER_RESULT}/interpretationCode",)),
)
PERFORMER = Entities("performer", "PRF")
REQUESTER = Entities("requester", "PRF")
RECORDER = Entities("recorder", "AUT")
