"""Readers: files, case folders and rows of FHIR JSON, each into a cohort."""
