"""Results as FHIR MeasureReports and as a table of populations."""
