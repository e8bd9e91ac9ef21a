"""What profiles of FHIR resources fix, and which are derived from which (FHIR R4, "Profiling FHIR").

    facts = profile_facts("http://hl7.org/fhir/us/qicore/StructureDefinition/qicore-procedurenotdone")
    facts.negated, facts.category, facts.code      # True, frozenset(), frozenset()
    negation_of("Procedure").status                # {"not-done"}
    is_known(url)                                  # does QI-Core or US Core, of any version here, have it?

The facts are in data/profiles.toml; which profiles there are is known from the models.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from ecqm.models import load_model, model_versions

_GUIDES = {
    "qicore": "http://hl7.org/fhir/us/qicore/StructureDefinition/",
    "us-core": "http://hl7.org/fhir/us/core/StructureDefinition/",
    "fhir": "http://hl7.org/fhir/StructureDefinition/",
}


@dataclass(frozen=True)
class Negation:
    """How a resource type says that something was not done: one of `status`, or an `element` that is true."""

    status: frozenset[str] = frozenset()
    element: str | None = None


@dataclass(frozen=True)
class ProfileFacts:
    """What a profile fixes: whether it is `negated` (None: either), `category` and `code` (empty: any).

    `base` is the canonical URL of the profile that it is derived from.
    """

    base: str | None = None
    negated: bool | None = None
    category: frozenset[str] = frozenset()
    code: frozenset[str] = frozenset()

    @property
    def elements(self) -> frozenset[str]:
        """The elements that show whether a resource conforms."""
        names = {name for name in ("category", "code") if getattr(self, name)}
        if self.negated is not None:
            names |= {"status", "doNotPerform", "modifierExtension", "value"}
        return frozenset(names)


def canonical(url: str) -> str:
    """A canonical URL without version and the blanks that data have around it."""
    return url.strip().partition("|")[0]


@cache
def profile_facts(url: str) -> ProfileFacts:
    """What is known of a profile; nothing of those that fix nothing, or that are not known."""
    return _facts().get(url, ProfileFacts())


@cache
def negation_of(resource_type: str) -> Negation | None:
    """How resources of a type are negated; None where no profile says that they can be."""
    told = _document()["negation"].get(resource_type)
    return None if told is None else Negation(frozenset(told.get("status", ())), told.get("element"))


@cache
def derived_from(url: str) -> frozenset[str]:
    """The profile and all that are derived from it."""
    found = {url}
    while more := {name for name, facts in _facts().items() if facts.base in found} - found:
        found |= more
    return frozenset(found)


@cache
def bases_of(url: str) -> frozenset[str]:
    """The profiles that a profile is derived from."""
    base = profile_facts(url).base
    return frozenset() if base is None else bases_of(base) | {base}


def is_known(url: str) -> bool:
    """Is it a profile of QI-Core or US Core, in any version that there is a model of?"""
    return url in _known()


@cache
def _known() -> frozenset[str]:
    identifiers = {
        type_.identifier
        for name in ("QICore", "USCore")
        for version in model_versions(name)
        for type_ in load_model(name, version).types()
        if type_.identifier
    } | set(_facts())
    return frozenset(url for url in identifiers if url.startswith((_GUIDES["qicore"], _GUIDES["us-core"])))


@cache
def _facts() -> dict[str, ProfileFacts]:
    found = {}
    for guide, prefix in _GUIDES.items():
        for name, told in _document()[guide].items():
            base = told.get("base")
            found[prefix + name] = ProfileFacts(
                None if base is None else _GUIDES["qicore" if base.startswith("qicore-") else "us-core"] + base,
                told.get("negated"),
                frozenset(told.get("category", ())),
                frozenset(told.get("code", ())),
            )
    return found


@cache
def _document() -> dict[str, Any]:
    return tomllib.loads(files("ecqm.models").joinpath("data", "profiles.toml").read_text(encoding="utf-8"))
