"""A cohort in memory: a table for each resource type, with rows in the order of patients and elements as columns."""
