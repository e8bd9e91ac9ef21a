"""Specifications of measures, kept by year and version, and the annual releases that are known."""
