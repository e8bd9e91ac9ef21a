"""The vocabulary of synthetic cohorts: profiles and codes that published measures retrieve, and others."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecqm.bundles.content.documents import open_documents, readers
from ecqm.terminology import ValueSetStore

CODES_PER_SOURCE = 150
CODE_ELEMENT = {
    "Encounter": "type",
    "MedicationRequest": "medicationCodeableConcept",
    "MedicationAdministration": "medicationCodeableConcept",
    "Immunization": "vaccineCode",
    "Communication": "reasonCode",
    "DeviceRequest": "codeCodeableConcept",
}
REPEATED = {"Encounter", "Communication"}
QICORE = "http://hl7.org/fhir/us/qicore/StructureDefinition/qicore-"


@dataclass(frozen=True)
class Source:
    """A retrieve of measures: resources of a profile with one of these codes."""

    profile: str
    codes: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Vocabulary:
    """JSON fragments with profile and code, by resource type; and concepts of value sets, for answers."""

    fragments: dict[str, list[str]]
    concepts: list[str]


def retrieves(content: Path, value_sets: ValueSetStore) -> dict[str, list[Source]]:
    """The retrieves of the published libraries that have a value set, by resource type."""
    found: dict[str, dict[Source, None]] = {}
    for path in sorted((content / "input" / "resources" / "library").glob("*.json")):
        for part in json.loads(path.read_bytes()).get("content", ()):
            if part.get("contentType") == "application/elm+json":
                library = json.loads(base64.b64decode(part["data"]))["library"]
                names = {v["name"]: v["id"] for v in library.get("valueSets", {}).get("def", ())}
                for node in _retrieve_nodes(library):
                    _add_source(found, node, names, value_sets)
    return {name: list(sources) for name, sources in found.items()}


def _retrieve_nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if node.get("type") == "Retrieve":
            yield node
        for value in node.values():
            yield from _retrieve_nodes(value)
    elif isinstance(node, list):
        for value in node:
            yield from _retrieve_nodes(value)


def _add_source(
    found: dict[str, dict[Source, None]], node: dict[str, Any], names: dict[str, str], value_sets: ValueSetStore
) -> None:
    codes = node.get("codes", {})
    reference = codes if codes.get("type") == "ValueSetRef" else codes.get("operand", {})
    expansion = value_sets.find(names.get(reference.get("name", ""), "")) if isinstance(reference, dict) else None
    if expansion is None or not expansion.codes:
        return
    chosen = sorted(expansion.codes)
    step = max(1, len(chosen) // CODES_PER_SOURCE)
    resource_type = node["dataType"].rpartition("}")[2]
    found.setdefault(resource_type, {})[Source(node.get("templateId", ""), tuple(chosen[::step]))] = None


def vocabulary(content: Path, more: Sequence[Path], types: Iterable[str]) -> Vocabulary:
    """The fragments to build resources of some types from; a third of them have codes that no measure retrieves."""
    own = content / "input" / "vocabulary"
    folders = [own, *more] if own.is_dir() else more
    value_sets = ValueSetStore(*(readers(open_documents(folder)) for folder in folders))
    sources = retrieves(content, value_sets)
    fragments: dict[str, list[str]] = {}
    for name in types:
        element = CODE_ELEMENT.get(name, "code")
        known = [(source.profile, code) for source in sources.get(name, ()) for code in source.codes]
        profile = known[0][0] if known else QICORE + name.lower()
        others = [
            (profile, ("http://example.org/local", f"{name}-{number}")) for number in range(max(20, len(known) // 2))
        ]
        fragments[name] = [_fragment(name, element, profile, code) for profile, code in (*known, *others)]
    every = {code for sources_of_type in sources.values() for source in sources_of_type for code in source.codes}
    answers = sorted(every)[::7] or [("http://example.org/local", "answer")]
    return Vocabulary(fragments, [_concept(code) for code in answers])


def _fragment(name: str, element: str, profile: str, code: tuple[str, str]) -> str:
    concept = _concept(code)
    value = f"[{concept}]" if name in REPEATED else concept
    return f'"meta":{{"profile":[{json.dumps(profile)}]}},"{element}":{value}'


def _concept(code: tuple[str, str]) -> str:
    return json.dumps({"coding": [{"system": code[0], "code": code[1]}]}, separators=(",", ":"))
