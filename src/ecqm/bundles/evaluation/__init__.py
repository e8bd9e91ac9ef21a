"""Measures of a content planned together and evaluated on patient data."""
