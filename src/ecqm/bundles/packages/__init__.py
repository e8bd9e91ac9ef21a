"""QDM measure packages: read, run, and compared with the results of a reference engine."""
