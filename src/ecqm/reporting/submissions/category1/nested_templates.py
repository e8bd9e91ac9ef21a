"""What statements within an entry hold beside what QDM puts there, by their templates (QRDA Category I, STU 5.3)."""

from __future__ import annotations

from collections.abc import Mapping

from ecqm.data.qdm.qrda.entry_template import ACT_CODE, LOINC, SNOMED_CT
from ecqm.data.qdm.qrda.xml import template

# The code that says what a statement of the template is.
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
