"""What a measure asks for: the terms of Measure resources and the Quality Measure IG, and reading them.

The terms are in `measure` and imported from here: `from ecqm.measures.definition import Group, Measure`.
"""

from ecqm.measures.definition.measure import (
    PATIENT_BASIS,
    SUPPLEMENTAL_DATA,
    Aggregate,
    ComponentMeasure,
    Composite,
    CompositeScoring,
    Group,
    Identifiers,
    Measure,
    MeasureError,
    Population,
    PopulationCode,
    Scoring,
    Stratifier,
    StratifierComponent,
    SupplementalData,
)

__all__ = [
    "PATIENT_BASIS",
    "SUPPLEMENTAL_DATA",
    "Aggregate",
    "ComponentMeasure",
    "Composite",
    "CompositeScoring",
    "Group",
    "Identifiers",
    "Measure",
    "MeasureError",
    "Population",
    "PopulationCode",
    "Scoring",
    "Stratifier",
    "StratifierComponent",
    "SupplementalData",
]
