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
    "us-quality-core": "http://fhir.org/guides/onc/us-quality-core/StructureDefinition/",
    "us-core": "http://hl7.org/fhir/us/core/StructureDefinition/",
    "fhir": "http://hl7.org/fhir/StructureDefinition/",
}
# Where a guide is in other versions: US Quality Core as a draft, and from 1.0.0 on.
_MOVED = {
    "http://fhir.org/guides/astp/us-quality-core/": "http://fhir.org/guides/onc/us-quality-core/",
    "http://hl7.org/fhir/us/quality-core/": "http://fhir.org/guides/onc/us-quality-core/",
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
    """A canonical URL without its version and without surrounding blanks; that of a guide that moved as in the version
    that is known."""
    found = url.strip().partition("|")[0]
    for other, known in _MOVED.items():
        found = found.replace(other, known, 1)
    return found


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


@cache
def decides(declared: str, profile: str) -> bool:
    """Whether resources that declare a profile, and not `profile`, do not conform to `profile`.

    What `profile` is derived from says nothing about it. Neither do profiles of US Core about those of QI-Core, which
    builds on it: who writes a laboratory result of US Core does not choose between the profiles of QI-Core. A profile
    that is in no available version of these guides says nothing at all.
    """
    of_another = _guide(declared) == _guide(_GUIDES["us-core"]) != _guide(profile)
    return is_known(declared) and declared not in bases_of(profile) and not of_another


def is_known(url: str) -> bool:
    """Whether an available version of QI-Core, US Core or US Quality Core has this profile."""
    return url in _known()


@cache
def _known() -> frozenset[str]:
    identifiers = {
        type_.identifier
        for name in ("QICore", "USCore", "USQualityCore")
        for version in model_versions(name)
        for type_ in load_model(name, version).types()
        if type_.identifier
    } | set(_facts())
    guides = tuple(prefix for guide, prefix in _GUIDES.items() if guide != "fhir")
    return frozenset(url for url in identifiers if url.startswith(guides))


@cache
def _facts() -> dict[str, ProfileFacts]:
    stated = {guide: dict(_document()[guide]) for guide in ("qicore", "us-core", "fhir")}
    # US Quality Core continues QI-Core: profiles of the same name fix the same.
    stated["us-quality-core"] = {
        _in_quality_core(name): {**facts, "base": _in_quality_core(facts["base"])} if "base" in facts else facts
        for name, facts in stated["qicore"].items()
    }
    return {
        _GUIDES[guide] + name: ProfileFacts(
            _profile_url(facts["base"]) if "base" in facts else None,
            facts.get("negated"),
            frozenset(facts.get("category", ())),
            frozenset(facts.get("code", ())),
        )
        for guide, profiles in stated.items()
        for name, facts in profiles.items()
    }


def _guide(url: str) -> str:
    return url.rpartition("/")[0]


def _in_quality_core(name: str) -> str:
    return name.replace("qicore-", "us-quality-core-", 1)


def _profile_url(name: str) -> str:
    """The canonical URL of a profile, found by how its name begins."""
    return next(prefix + name for guide, prefix in _GUIDES.items() if name.startswith(f"{guide}-"))


@cache
def _document() -> dict[str, Any]:
    return tomllib.loads(files("ecqm.models").joinpath("data", "profiles.toml").read_text(encoding="utf-8"))
