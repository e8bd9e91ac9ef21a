"""Measure content and the store of annual specifications."""
