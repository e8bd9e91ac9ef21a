"""What a measure asks for, in the terms of the FHIR Measure resource and the Quality Measure IG (cqfmeasures).

Import the terms from here: `from ecqm.measures.definition import Group, Measure`.
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
    LeftOut,
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
    "LeftOut",
    "Measure",
    "MeasureError",
    "Population",
    "PopulationCode",
    "Scoring",
    "Stratifier",
    "StratifierComponent",
    "SupplementalData",
]
