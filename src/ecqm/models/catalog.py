"""The available models: their files, their versions, and which version is used for one that is not available.

Models that content brings along (`ecqm.models.additions`) are available to be loaded, but are not listed.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from ecqm.models.additions import added_models, settled
from ecqm.models.layout import ModelFile, completed, derived
from ecqm.models.model import Model

# The first major versions of profile models that are based on FHIR R4, the version of all data.
_FIRST_OF_R4 = {"QICore": 4, "USCore": 3, "USQualityCore": 0}
# At the end of a version whose types are derived from FHIR's, instead of being mapped to them.
_DERIVED = "-derived"


class UnknownModelError(LookupError):
    """A model, or a version of a model, is not available."""


def _version_key(version: str) -> tuple[int, ...]:
    """The leading numbers of a version: (6, 1, 0) for 6.1.0-derived."""
    # A longer number is no version of a model, and may have more digits than Python converts.
    numbers = re.match(r"[0-9]{1,9}(?:\.[0-9]{1,9})*(?![0-9])", version)
    return tuple(map(int, numbers[0].split("."))) if numbers else ()


@cache
def _model_files() -> dict[str, dict[str, Traversable]]:
    """The model files by name and version of the model, oldest version first."""
    found: dict[str, dict[str, Traversable]] = {}
    entries = [entry for entry in files("ecqm.models").joinpath("data").iterdir() if entry.name.endswith(".model")]
    by_name = {entry.name.removesuffix(".model"): entry for entry in entries}
    for full_name in sorted(by_name, key=lambda each: (_version_key(each.partition("-")[2]), each)):
        name, _, version = full_name.partition("-")
        found.setdefault(name, {})[version] = by_name[full_name]
    return found


def model_names() -> tuple[str, ...]:
    """The names of the models that come with ecqm."""
    return tuple(sorted(_model_files()))


def model_versions(name: str) -> tuple[str, ...]:
    """The versions of a model that come with ecqm, oldest first; empty for an unknown model."""
    return tuple(_model_files().get(name, {}))


def _available(name: str) -> tuple[str, ...]:
    """The versions of a model that can be loaded, oldest first."""
    versions = {*model_versions(name), *(version for added, version in added_models() if added == name)}
    return tuple(sorted(versions, key=lambda version: (_version_key(version), version)))


def standing_for(name: str, version: str | None) -> str | None:
    """The available version of a model to use for `version`, possibly the same; None if there is none.

    Versions are compared by their numbers (4.1.000 is 4.1.0). If a version is not available, the newest one with the
    same first two numbers is used, otherwise the next later one, or the latest. This works because versions for one
    release of FHIR have most of their profiles in common; models of other releases of FHIR, or of another major version
    of QDM, are not used. Versions with types derived from FHIR's (6.1.0-derived) only stand for one another. Without a
    version, the newest complete one is used.
    """
    is_derived = version is not None and version.endswith(_DERIVED)
    alike = [found for found in _available(name) if found.endswith(_DERIVED) == is_derived]
    available = {_version_key(found): found for found in alike}
    if version is None:
        return next((found for found in reversed(available.values()) if load_model(name, found).rest is None), None)
    wanted = _version_key(version)
    if wanted in available:
        return available[wanted]
    same = [found for key, found in available.items() if key[:2] == wanted[:2]]
    near = {key: found for key, found in available.items() if key[:1] == wanted[:1]}
    if wanted and wanted[0] >= _FIRST_OF_R4.get(name, wanted[0] + 1):
        near = available
    later = [found for key, found in near.items() if key > wanted]
    return same[-1] if same else next(iter(later), next(reversed(near.values()), None))


def assumption(name: str, version: str) -> str | None:
    """A message if another version is used for a model, or if a version is only partly known; None otherwise."""
    used = standing_for(name, version)
    if used is None:
        return None
    notices = []
    if version != used and (_version_key(used) != _version_key(version) or not version.replace(".", "").isdigit()):
        notices.append(f"version {version} is not available, using {used} instead")
    if (rest := load_model(name, used).rest) is not None:
        notices.append(f"version {used} is known only by the profiles that it adds to {rest}")
    return f"model {name}: {'; '.join(notices)}" if notices else None


def load_model(name: str, version: str | None = None) -> Model:
    """The model with a name and version; without a version, the newest complete one. Raises UnknownModelError."""
    versions = _available(name)
    if not versions:
        raise UnknownModelError(f"unknown model {name!r}; available: {', '.join(model_names())}")
    if version is not None and version not in versions:
        raise UnknownModelError(f"model {name} has no version {version!r}; available: {', '.join(versions)}")
    used = version or str(standing_for(name, None))
    if used in model_versions(name):
        return _load(name, used)
    return _added(added_models()[name, used], tuple(added_models().values()))


@cache
def _added(text: str, among: tuple[str, ...]) -> Model:
    """A model that was added, with the models that it requires in the nearest of the available versions. `among` are
    all that were added, on which that depends."""
    return Model(settled(ModelFile.read(text), _nearest, _newest_derived), _nearest)


def _nearest(name: str, version: str) -> Model:
    return load_model(name, standing_for(name, version) or version)


def _newest_derived(name: str) -> str | None:
    return next((version for version in reversed(_available(name)) if version.endswith(_DERIVED)), None)


@cache
def _load(name: str, version: str) -> Model:
    file = _read(name, version)
    if (rest := file.attribute("rest")) is not None:
        file = completed(file, _read(name, rest))
    elif (profiles := file.attribute("derived")) is not None:
        file = derived(file, _read(name, profiles))
    return Model(file, load_model)


def _read(name: str, version: str) -> ModelFile:
    return ModelFile.read(_model_files()[name][version].read_text(encoding="utf-8"))
