"""The values that profiles of FHIR resources fix, and their derivation (FHIR R4, "Profiling FHIR").

    facts = profile_facts("http://hl7.org/fhir/us/qicore/StructureDefinition/qicore-procedurenotdone")
    facts.negated, facts.category, facts.code      # True, frozenset(), frozenset()
    negation_of("Procedure").status                # {"not-done"}
    is_known(url)                                  # whether an available version of QI-Core or US Core has it

The facts are in data/profiles.toml; the models say which profiles exist.
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
    """How resources of a type say that something was not done: by a `status`, or by an `element` that is true."""

    status: frozenset[str] = frozenset()
    element: str | None = None


@dataclass(frozen=True)
class ProfileFacts:
    """The values that a profile fixes: `negated` (None: either), `category` and `code` (empty: any).

    `base` is the canonical URL of the profile from which it is derived.
    """

    base: str | None = None
    negated: bool | None = None
    category: frozenset[str] = frozenset()
    code: frozenset[str] = frozenset()

    @property
    def elements(self) -> frozenset[str]:
        """The elements that decide whether a resource conforms."""
        names = {name for name in ("category", "code") if getattr(self, name)}
        if self.negated is not None:
            names |= {"status", "doNotPerform", "modifierExtension", "value"}
        return frozenset(names)


def canonical(url: str) -> str:
    """A canonical URL without its version and without surrounding blanks."""
    return url.strip().partition("|")[0]


@cache
def profile_facts(url: str) -> ProfileFacts:
    """The facts about a profile; no facts for an unknown profile."""
    return _facts().get(url, ProfileFacts())


@cache
def negation_of(resource_type: str) -> Negation | None:
    """How resources of a type are negated; None if no profile negates them."""
    stated = _document()["negation"].get(resource_type)
    return None if stated is None else Negation(frozenset(stated.get("status", ())), stated.get("element"))


@cache
def derived_from(url: str) -> frozenset[str]:
    """The profile and all profiles derived from it, directly or indirectly."""
    found = {url}
    while more := {name for name, facts in _facts().items() if facts.base in found} - found:
        found |= more
    return frozenset(found)


@cache
def bases_of(url: str) -> frozenset[str]:
    """The profiles from which a profile is derived, directly or indirectly."""
    base = profile_facts(url).base
    return frozenset() if base is None else bases_of(base) | {base}


def is_known(url: str) -> bool:
    """Whether an available version of QI-Core or US Core has this profile."""
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
        for name, stated in _document()[guide].items():
            base = stated.get("base")
            found[prefix + name] = ProfileFacts(
                None if base is None else _GUIDES["qicore" if base.startswith("qicore-") else "us-core"] + base,
                stated.get("negated"),
                frozenset(stated.get("category", ())),
                frozenset(stated.get("code", ())),
            )
    return found


@cache
def _document() -> dict[str, Any]:
    return tomllib.loads(files("ecqm.models").joinpath("data", "profiles.toml").read_text(encoding="utf-8"))
