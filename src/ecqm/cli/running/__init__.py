"""What `ecqm run` does, for FHIR measures and for QDM packages; imported when the command runs."""
