"""Results as MeasureReports and as a table."""
