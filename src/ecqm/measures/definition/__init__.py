"""What a measure asks for, in the terms of the FHIR Measure resource and the Quality Measure IG (cqfmeasures).

    from ecqm.measures.definition import Group, Measure, Population
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
