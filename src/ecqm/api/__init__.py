"""ecqm from Python.

    import ecqm

    measures = ecqm.select("content", ["CMS122"], libraries=["more"], valuesets=["even more"])
    patients = ecqm.load("bulk-export")               # or a cohort store, bundles, a folder of resources
    result = ecqm.evaluate(measures, patients, "2026-01-01/2026-12-31")

    print(result)                                     # counts and scores; a notebook shows them as a table
    result.scores.to_pandas()                         # the same as data: a row per group and stratum
    result.table.to_pandas()                          # a row per patient or episode and group
    result.reports                                    # summary MeasureReports, as dictionaries
    result.measure("CMS122").groups[0].score()
    result.errors, result.problems                    # what went wrong with patients, and with the data
    ecqm.explain(measures, patients, "patient id")    # why a patient got a result; a notebook shows it as a page

Patients are read when measures are evaluated, and only the data that these need. Stores and large files are evaluated
shard by shard in several processes. The data of small files are kept in memory for the next evaluation.

Packages of QDM measures are selected and evaluated in the same way, on patients in JSON or QRDA Category I.
"""

from ecqm.api.evaluation import MissingValueSets, evaluate
from ecqm.api.explanation import Explained, explain
from ecqm.api.opening import load, select
from ecqm.api.result import Result
from ecqm.bundles.content.documents import ContentError
from ecqm.bundles.evaluation.selection import Selection
from ecqm.bundles.packages.content import PackageSelection
from ecqm.data import DataError
from ecqm.data.source import PatientData
from ecqm.measures.definition import MeasureError
from ecqm.measures.definition.naming import MeasureNotFound

__all__ = [
    "ContentError",
    "DataError",
    "Explained",
    "MeasureError",
    "MeasureNotFound",
    "MissingValueSets",
    "PackageSelection",
    "PatientData",
    "Result",
    "Selection",
    "evaluate",
    "explain",
    "load",
    "select",
]
