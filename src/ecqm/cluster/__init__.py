"""Evaluation of large cohorts, in several processes of this machine or on Spark.

    units = units_of(patients, spool_folder, unit_size)            # patients that are evaluated together
    run_units(evaluation, output, units, jobs, share)              # in processes of this machine
    run_units(evaluation, output, units, jobs, share, spark=…)     # as tasks of a Spark session

Each unit writes a part (`ecqm.reporting.results.parts`). The parts are combined into the results of the run.
"""
