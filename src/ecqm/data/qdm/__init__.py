"""QDM patients: readers of the certification community's JSON and of QRDA Category I, into cohorts.

    cohort = read_patients(paths, plan.demand, codes, version="5.6")     # JSON, folders, archives
    cohort.table("EncounterPerformed").element("relevantPeriod")

A cohort of QDM data has a table for every data type (`EncounterPerformed`, the negated among the others) and one of
patients; it is used as one of FHIR data is. See `ecqm.data.qdm.structs` for the neutral form of a patient.
"""

from ecqm.data.qdm.cohort import QdmCohortBuilder
from ecqm.data.qdm.patients import read_patients
from ecqm.data.qdm.schema import QdmSchema, qdm_schema

__all__ = ["QdmCohortBuilder", "QdmSchema", "qdm_schema", "read_patients"]
