"""The names of types in ELM: `{namespace}name`, with the namespace of a model."""

from __future__ import annotations

from functools import cache

from ecqm.models.catalog import UnknownModelError, load_model, model_names
from ecqm.types import NamedType

SYSTEM_NAMESPACE = "urn:hl7-org:elm-types:r1"
FHIR_NAMESPACE = "http://hl7.org/fhir"
_QDM_NAMESPACE = "urn:healthit-gov:qdm:v"


@cache
def models_of_namespace(namespace: str) -> tuple[str, ...]:
    """The models whose types have that namespace in ELM. The namespace of FHIR includes models of its profiles."""
    found = []
    for name in model_names():
        if name == "FHIR":
            continue
        model = load_model(name)
        if namespace in (model.url, model.target_url) or (name == "QDM" and namespace.startswith(_QDM_NAMESPACE)):
            found.append(name)
    return ("FHIR", *found) if namespace == FHIR_NAMESPACE else tuple(found)


@cache
def named_type(qualified: str) -> NamedType:
    """The type named `{namespace}name` in ELM; without a namespace it belongs to System. Raises UnknownModelError for
    an unknown namespace."""
    namespace, _, name = qualified.removeprefix("{").rpartition("}")
    if namespace in ("", SYSTEM_NAMESPACE):
        return NamedType("System", name)
    if namespace == FHIR_NAMESPACE:
        return NamedType("FHIR", name)
    if namespace.startswith(_QDM_NAMESPACE):
        return NamedType("QDM", name)
    models = models_of_namespace(namespace)
    if not models:
        raise UnknownModelError(f"the type {qualified!r} does not belong to a known model")
    return NamedType(models[0], name)


def qualified_name(type_: NamedType, version: str | None = None) -> str:
    """The name of a type in ELM, in the namespace of the model of its instances (`target_url`).

    A type of a profile model has the name of the profiled type: Condition of FHIR for ConditionEncounterDiagnosis of
    QI-Core.
    """
    model = load_model(type_.model, version)
    declared = model.type(type_)
    name = declared.target if declared is not None and declared.target else type_.name
    return f"{{{model.target_url}}}{name}"
