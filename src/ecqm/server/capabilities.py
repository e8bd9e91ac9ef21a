"""The CapabilityStatement of the server (FHIR R4, `metadata`)."""

from __future__ import annotations

from datetime import UTC, datetime

from ecqm import __version__
from ecqm.measures.results.fhir_elements import Json
from ecqm.server.measures import SEARCH_PARAMETERS

FHIR_VERSION = "4.0.1"
_EVALUATE_MEASURE = "http://hl7.org/fhir/OperationDefinition/Measure-evaluate-measure"
_EVALUATE = "http://hl7.org/fhir/us/davinci-deqm/OperationDefinition/evaluate"
_DATA_REQUIREMENTS = "http://hl7.org/fhir/OperationDefinition/Measure-data-requirements"
_EVALUATE_LIBRARY = "http://hl7.org/fhir/uv/cql/OperationDefinition/cql-library-evaluate"
_CQL = "http://hl7.org/fhir/uv/cql/OperationDefinition/cql-cql"


def capabilities(base: str) -> Json:
    """The CapabilityStatement of a server at the URL `base`."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "kind": "instance",
        "software": {"name": "ecqm", "version": __version__},
        "implementation": {"description": "Electronic clinical quality measures and CQL", "url": base},
        "fhirVersion": FHIR_VERSION,
        "format": ["json"],
        "rest": [
            {
                "mode": "server",
                "resource": [
                    {
                        "type": "Measure",
                        "interaction": [{"code": "read"}, {"code": "search-type"}],
                        "searchParam": [{"name": name, "type": kind} for name, kind in SEARCH_PARAMETERS.items()],
                        "operation": [
                            {"name": "evaluate-measure", "definition": _EVALUATE_MEASURE},
                            {"name": "evaluate", "definition": _EVALUATE},
                            {"name": "data-requirements", "definition": _DATA_REQUIREMENTS},
                        ],
                    },
                    {"type": "Library", "operation": [{"name": "evaluate", "definition": _EVALUATE_LIBRARY}]},
                ],
                "operation": [{"name": "cql", "definition": _CQL}],
            }
        ],
    }
