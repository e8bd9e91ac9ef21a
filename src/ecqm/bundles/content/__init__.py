"""Measure content as it is published: measures, libraries and value sets in folders, archives and Bundles."""

from ecqm.bundles.content.content import Content

__all__ = ["Content"]
