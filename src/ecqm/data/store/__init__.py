"""The cohort store: shards of patients on disk, their columns as Arrow files and their JSON as spools."""
