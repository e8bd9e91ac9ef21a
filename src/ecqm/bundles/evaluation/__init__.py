"""Measures selected from a content, planned together, and evaluated on patient data in batches."""
