"""Specifications of measures by year and version, each kept whole, and the annual releases that are known."""
