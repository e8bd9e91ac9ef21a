"""What QRDA Category I documents have to be like: constraints as XPath.

The constraints are those that CDA's schema and HL7's Schematron for the guide make errors, of the statements that are
written, told by their conformance numbers.
"""

from __future__ import annotations

from tests.reporting.submissions.category3_rules import of

STATEMENTS = "c:act|c:encounter|c:observation|c:organizer|c:procedure|c:substanceAdministration|c:supply"
ONE_TIME = "count(c:effectiveTime[not(@operator)])=1 and count(c:effectiveTime[not(@operator)]/@value"
ONE_TIME += "|c:effectiveTime[not(@operator)]/@nullFlavor|c:effectiveTime[not(@operator)]/c:low)=1"
ACTIVITIES = ("22.4.12:2014-06-09 22.4.13:2014-06-09 22.4.14:2014-06-09 22.4.16:2014-06-09 22.4.39:2014-06-09"
              " 22.4.41:2014-06-09 22.4.42:2014-06-09 22.4.43:2014-06-09 22.4.44:2014-06-09 22.4.49:2015-08-01"
              " 22.4.52:2015-08-01 24.3.144:2021-08-01 24.3.38:2021-08-01")  # fmt: skip
TIMED = ("22.4.12:2014-06-09 22.4.16:2014-06-09 22.4.42:2014-06-09 22.4.49:2015-08-01 24.3.18:2021-08-01"
         " 24.3.38:2021-08-01 24.3.59:2021-08-01 24.3.64:2021-08-01 24.3.144:2021-08-01 24.3.45:2021-08-01"
         " 24.3.147:2021-08-01")  # fmt: skip
ORDERED = ("24.3.17:2021-08-01 24.3.19:2021-08-01 24.3.22:2021-08-01 24.3.31:2021-08-01 24.3.37:2021-08-01"
           " 24.3.47:2021-08-01 24.3.63:2021-08-01 24.3.143:2021-08-01 24.3.156:2021-08-01")  # fmt: skip


def each(arc: str) -> str:
    """All elements with a template."""
    return f"//*[{of(arc)}]"


# (context, test that holds of each, conformance number)
RULES: tuple[tuple[str, str, str], ...] = (
    ("//c:entryRelationship", f"count({STATEMENTS})=1", "CDA schema"),
    ("//c:substanceAdministration", "count(c:consumable/c:manufacturedProduct)=1", "CDA schema"),
    ("//c:observation", "count(c:code)=1", "CDA schema"),
    ("//c:supply/c:effectiveTime[c:low]", "@xsi:type='IVL_TS'", "CDA schema"),
    ("//c:id[@assigningAuthorityName]", "string-length(@assigningAuthorityName)>0", "CDA schema"),
    ("//c:effectiveTime", "count(@value|@nullFlavor|c:low|c:high|c:period)>0", "CMS_0113"),
    ("//c:addr", "count(c:streetAddressLine)=1 and count(c:city)=1", "81-7291, 81-7292"),
    ("//c:patient/c:name", "count(c:given)>=1 and count(c:family)=1", "81-9371"),
    ("//c:representedCustodianOrganization", "count(c:telecom)=1 and count(c:addr)=1", "1198-5525, 1198-5559"),
    *((each(arc), "count(c:id)>=1", "id of an activity") for arc in ACTIVITIES.split()),
    *((each(arc), ONE_TIME, "time of an activity") for arc in TIMED.split()),
    *((each(arc), f"count(c:author[{of('24.3.155:2019-12-01')}]/c:time)=1", "author") for arc in ORDERED.split()),
    (each("22.4.3:2015-08-01"), "count(c:id)>=1 and count(c:effectiveTime/c:low)=1", "1198-9026, 1198-9030"),
    (each("22.4.2:2015-08-01"), "count(c:id)>=1 and count(c:effectiveTime)=1 and count(c:value)=1", "1198-7137"),
    (each("24.3.149:2017-08-01"), "count(c:id)>=1 and count(c:code)=1 and count(c:value)=1", "3343-28797"),
    (each("24.3.135:2021-08-01"), "count(c:code/c:translation[@code='282291009'])=1", "4444-28886"),
    (each("24.3.18:2021-08-01"), "count(c:value[@nullFlavor='NA'])=1", "4444-29333"),
    (each("22.4.16:2014-06-09"), "count(c:doseQuantity)=1", "1098-7516"),
    (each("24.3.100:2017-08-01"), "count(c:time/c:low)=1", "3343-13371"),
    (each("24.3.99:2019-12-01"), "@moodCode='RQO' and count(c:product/c:manufacturedProduct)=1", "4444-13820"),
    (each("24.3.157:2018-10-01"), "@moodCode='EVN' and count(c:quantity[@unit='d'])=1", "days supplied"),
    (each("24.3.151:2017-08-01"), "@classCode='SDLOC'", "3343-29094"),
    (each("22.4.52:2015-08-01"), "@negationInd", "1198-8985"),
    (each("22.4.45:2015-08-01"), "count(c:subject/c:relatedSubject/c:code)=1", "1198-8609"),
    ("//c:quantity|//c:doseQuantity|//c:value[@xsi:type='PQ']", "count(@value|@nullFlavor)=1", "CMS_0110"),
    ("//c:quantity[@value]|//c:doseQuantity[@value]|//c:value[@xsi:type='PQ'][@value]", "@unit", "CMS_0110"),
)
