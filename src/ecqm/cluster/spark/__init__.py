"""Evaluation on Spark, with one task per unit (needs `pip install ecqm[spark]`).

`run_on_spark` evaluates the units of `ecqm run --spark MASTER`. Stores are read, and results are written, on any file
system that Spark knows (`HadoopPath`, `HadoopOutput`).

`SparkCohort` is for notebooks. It evaluates a DataFrame of FHIR JSON and patient ids.

    cohort = SparkCohort(frame, patient="patient", resource="json")
    result = cohort.evaluate(ecqm.select("content", ["CMS122"]), "2026-01-01/2026-12-31")
    result.populations          # a DataFrame: a row per patient or episode and group
    result.reports              # summary MeasureReports

Spark and Python exchange Arrow batches; nothing is processed row by row.
"""

from ecqm.cluster.spark.jobs import run_on_spark
from ecqm.cluster.spark.notebooks import SparkCohort, SparkResult
from ecqm.cluster.spark.session import session_on

__all__ = ["SparkCohort", "SparkResult", "run_on_spark", "session_on"]
