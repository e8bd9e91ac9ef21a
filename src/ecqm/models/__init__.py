"""The data models that measures are written against: System, FHIR, QI-Core, US Core, QDM.

    model = load_model("QICore", "6.0.0")       # cached; the newest version known when none is given
    model.name, model.version, model.url, model.target_url, model.qualifier
    model.patient_type                           # NamedType("QICore", "Patient")
    model.patient_birth_date                     # "birthDate", a path from the patient
    model.contexts["Patient"]                    # Context: type, key_element, birth_date_element

    encounter = model.type("Encounter")          # ModelType or None; also "QICore.Encounter", NamedType(…)
    encounter.kind, .type, .base, .identifier, .label, .target, .primary_code_path, .retrievable
    encounter.elements, encounter.contexts       # what it declares itself
    model.element("Encounter", "period")         # ModelElement or None: own or inherited
    model.elements("Encounter")                  # all of them by name
        .name, .type (a CqlType), .is_list, .single_type, .choices, .target
    model.lineage(type), model.is_subtype(a, b)

    model.retrievable("Encounter, Performed")    # what a retrieve of that name or label is of
    model.profile("http://hl7.org/fhir/us/…")    # the type with that identifier (templateId)
    model.labelled("QICore Encounter")
    model.conversion(from_, to)                  # Conversion (with .function "FHIRHelpers.ToCode") or None
    model.conversions_from(type), model.conversions

    model_names(), model_versions("QDM")         # what there is
    standing_for("QICore", "4.1.0")              # "4.1.1": the version here that is nearest to it
    assumption("QICore", "4.1.0")                # what that assumes, in words; None where nothing is assumed
    models_of_namespace("http://hl7.org/fhir")   # names of the models whose types ELM writes in that namespace
    named_type("{http://hl7.org/fhir}Encounter") # NamedType("FHIR", "Encounter"): the name of a type in ELM
    qualified_name(NamedType("System", "Date"))  # "{urn:hl7-org:elm-types:r1}Date": the way back

    from ecqm.models.specifiers import …         # TypeSpecifier nodes of ELM
    type_of_specifier(node), specifier_of_type(type)

`load_model` raises UnknownModelError, which names the versions that there are. The files are made by
tools/build_models.py; see `ecqm.models.layout` for their layout.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from ecqm.models.layout import ModelFileError, completed, read_type
from ecqm.models.model import Context, Conversion, Model, ModelElement, ModelType
from ecqm.types import NamedType

SYSTEM_NAMESPACE = "urn:hl7-org:elm-types:r1"
FHIR_NAMESPACE = "http://hl7.org/fhir"
_QDM_NAMESPACE = "urn:healthit-gov:qdm:v"
# The first major versions of profile models that are of FHIR R4, which data are in.
_FIRST_OF_R4 = {"QICore": 4, "USCore": 3}


class UnknownModelError(LookupError):
    """A model, or a version of one, that is not here."""


def _version_key(version: str) -> tuple[int, ...]:
    """The numbers that a version begins with: those of 6.1.0-derived are 6, 1 and 0."""
    numbers = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(map(int, numbers[0].split("."))) if numbers else ()


@cache
def _model_files() -> dict[str, dict[str, Traversable]]:
    """The files, by name and version of their model, oldest version first."""
    found: dict[str, dict[str, Traversable]] = {}
    entries = [entry for entry in files(__name__).joinpath("data").iterdir() if entry.name.endswith(".model")]
    for entry in sorted(entries, key=lambda entry: _version_key(entry.name.removesuffix(".model").partition("-")[2])):
        name, _, version = entry.name.removesuffix(".model").partition("-")
        found.setdefault(name, {})[version] = entry
    return found


def model_names() -> tuple[str, ...]:
    """The models that there are."""
    return tuple(sorted(_model_files()))


def model_versions(name: str) -> tuple[str, ...]:
    """The versions of a model that there are, oldest first; none for a model that is not here."""
    return tuple(_model_files().get(name, {}))


def standing_for(name: str, version: str | None) -> str | None:
    """The version of a model to take for `version`, which may be itself; None where none that is here can stand for it.

    Versions are compared by their numbers (4.1.000 is 4.1.0). For one that is not here the newest that agrees in the
    first two numbers is taken, otherwise the next later one or the latest: the profiles of one release of FHIR have
    much in common over their versions. Models of another release of FHIR, and of another generation of QDM, have not.
    Where no version is asked for it is the newest that is known as a whole.
    """
    here = {_version_key(found): found for found in model_versions(name)}
    if version is None:
        return next((found for found in reversed(here.values()) if load_model(name, found).rest is None), None)
    wanted = _version_key(version)
    if wanted in here:
        return here[wanted]
    same = [found for key, found in here.items() if key[:2] == wanted[:2]]
    near = {key: found for key, found in here.items() if key[:1] == wanted[:1]}
    if wanted and wanted[0] >= _FIRST_OF_R4.get(name, wanted[0] + 1):
        near = here
    later = [found for key, found in near.items() if key > wanted]
    return same[-1] if same else next(iter(later), next(reversed(near.values()), None))


def assumption(name: str, version: str) -> str | None:
    """What is assumed in taking a model in a version: that another stands for it, or its elements are another's."""
    taken = standing_for(name, version)
    if taken is None:
        return None
    told = []
    if version != taken and (_version_key(taken) != _version_key(version) or not version.replace(".", "").isdigit()):
        told.append(f"version {version} is not here and {taken} taken in its place")
    if (rest := load_model(name, taken).rest) is not None:
        told.append(f"of {taken} only the profiles that it adds to {rest} are known")
    return f"model {name}: {', and '.join(told)}" if told else None


def load_model(name: str, version: str | None = None) -> Model:
    """The model of that name and version, or the newest version known as a whole. Raises UnknownModelError."""
    versions = _model_files().get(name)
    if versions is None:
        raise UnknownModelError(f"no model {name!r}; there are {', '.join(model_names())}")
    if version is not None and version not in versions:
        raise UnknownModelError(f"no version {version!r} of model {name}; there are {', '.join(versions)}")
    return _load(name, version or str(standing_for(name, None)))


@cache
def _load(name: str, version: str) -> Model:
    text = _model_files()[name][version].read_text(encoding="utf-8")
    rest = re.search(r"^rest\t(\S+)$", text.partition("\n\n")[0], re.MULTILINE)
    if rest is not None:
        text = completed(text, _model_files()[name][rest[1]].read_text(encoding="utf-8"))
    return Model(text, None if name == "System" else load_model("System"))


@cache
def models_of_namespace(namespace: str) -> tuple[str, ...]:
    """The names of the models whose types ELM writes in that namespace; that of FHIR serves all its profiles."""
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
    """The type that ELM writes as `{namespace}name`. Raises UnknownModelError for a namespace of no known model."""
    namespace, _, name = qualified.removeprefix("{").rpartition("}")
    if namespace == SYSTEM_NAMESPACE:
        return NamedType("System", name)
    if namespace.startswith(_QDM_NAMESPACE):
        return NamedType("QDM", name)
    models = models_of_namespace(namespace)
    if not models:
        raise UnknownModelError(f"{qualified!r} is a type of no known model")
    return NamedType(models[0], name)


def qualified_name(type_: NamedType, version: str | None = None) -> str:
    """How ELM writes a type: in the namespace of the model that its instances are of (`target_url`).

    A type of a profile model is written as the type that it is a profile of: that of QI-Core's
    ConditionEncounterDiagnosis is FHIR's Condition.
    """
    model = load_model(type_.model, version)
    declared = model.type(type_)
    name = declared.target if declared is not None and declared.target else type_.name
    return f"{{{model.target_url}}}{name}"


__all__ = [
    "FHIR_NAMESPACE",
    "SYSTEM_NAMESPACE",
    "Context",
    "Conversion",
    "Model",
    "ModelElement",
    "ModelFileError",
    "ModelType",
    "UnknownModelError",
    "assumption",
    "load_model",
    "model_names",
    "model_versions",
    "models_of_namespace",
    "named_type",
    "qualified_name",
    "read_type",
    "standing_for",
]
