"""A plan over many shards of patients: in processes of this machine, or on Spark.

    units = units_of(patients, spool_folder, unit_size)    # what evaluates by itself
    run_here(evaluation, recorder, units, …)               # in processes
    run_on_spark(evaluation, recorder, units, master, …)   # as tasks of Spark

Each unit leaves a part (`ecqm.reporting.parts`); the parts together are the run.
"""
