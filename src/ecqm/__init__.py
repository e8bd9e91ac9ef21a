"""ecqm executes electronic clinical quality measures over whole patient cohorts, straight from the published logic."""

__version__ = "0.1.0"
