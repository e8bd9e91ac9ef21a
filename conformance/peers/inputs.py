"""Input for other engines: a measure of a deck, and its patients repeated with new ids.

All engines get the same resources, libraries and complete value sets, each in the format that it reads.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecqm.bundles.content import Content
from ecqm.bundles.content.libraries import LibrarySource
from ecqm.bundles.decks.matching import MeasureCases
from ecqm.measures.decks.test_cases import TestCase
from ecqm.measures.definition import PopulationCode

INITIAL_POPULATION = PopulationCode.INITIAL_POPULATION
MEASURE_OBSERVATION = PopulationCode.MEASURE_OBSERVATION

Resource = dict[str, Any]

# Resources in the folder of a case that are not patient data.
NOT_OF_PATIENTS = {"MeasureReport", "Measure", "Library", "ValueSet", "Parameters"}


@dataclass(frozen=True)
class PeerInput:
    """The files of one measure. `criteria` are the definitions of all populations, initial populations first."""

    folder: Path
    period: tuple[str, str]
    primary_library: str
    criteria: tuple[str, ...]
    initial_populations: int
    patients: int

    @property
    def measure_bundle(self) -> Path:
        return self.folder / "measure-bundle.json"

    @property
    def bundles(self) -> Path:
        """One bundle per patient and line."""
        return self.folder / "patients.ndjson"

    @property
    def resources(self) -> Path:
        """One resource per line."""
        return self.folder / "resources.ndjson"

    @property
    def value_sets(self) -> Path:
        return self.folder / "value-sets.json"

    @property
    def cql(self) -> Path:
        return self.folder / "cql"


def write_inputs(content: Content, part: MeasureCases, patients: int, folder: Path) -> PeerInput:
    """Write the measure and `patients` patients, rounded up to whole copies of the deck."""
    folder.mkdir(parents=True, exist_ok=True)
    measure = part.measure
    closure = content.closure(measure)
    value_sets = [value_set(content, identifier) for identifier in closure.value_sets()]
    definition = json.loads(content.measures.find(str(measure.canonical)).read())
    resources = [definition, *map(library_resource, closure.libraries), *value_sets]
    copies = -(-patients // len(part.cases))
    counted = [p for group in measure.groups for p in group.populations if p.code is not MEASURE_OBSERVATION]
    initial = [population for population in counted if population.code is INITIAL_POPULATION]
    others = [population for population in counted if population.code is not INITIAL_POPULATION]
    periods = [e.period for case in part.cases if (e := case.expectation(measure.url)) and e.period[0]]
    start, end = max(set(periods), key=periods.count)
    written = PeerInput(
        folder,
        (str(start), str(end)),
        closure.libraries[0].name,
        tuple(population.expression for population in (*initial, *others)),
        len(initial),
        copies * len(part.cases),
    )
    written.measure_bundle.write_text(json.dumps(bundle(resources)))
    written.value_sets.write_text(json.dumps(value_sets))
    written.cql.mkdir(exist_ok=True)
    for library in closure.libraries:
        (written.cql / f"{library.name}.cql").write_text(library.cql() or "")
    write_patients(written, [patient_resources(case) for case in part.cases], copies)
    return written


def write_patients(written: PeerInput, cases: Sequence[list[Resource]], copies: int) -> None:
    with written.bundles.open("w") as bundles, written.resources.open("w") as lines:
        for copy in range(copies):
            for position, case in enumerate(cases):
                renamed = list(with_new_ids(case, f"{copy}-{position}"))
                bundles.write(json.dumps(bundle(renamed)) + "\n")
                lines.writelines(json.dumps(resource) + "\n" for resource in renamed)


def patient_resources(case: TestCase) -> list[Resource]:
    """The resources of a case, each once: a folder may have them both as files and in a bundle."""
    found: dict[tuple[str, str], Resource] = {}
    for path in case.files:
        document = json.loads(path.read_bytes())
        bundled = document["resourceType"] == "Bundle"
        for resource in [entry["resource"] for entry in document["entry"]] if bundled else [document]:
            if resource["resourceType"] not in NOT_OF_PATIENTS:
                found.setdefault((resource["resourceType"], resource.get("id", "")), resource)
    return list(found.values())


def with_new_ids(resources: Sequence[Resource], suffix: str) -> Iterator[Resource]:
    """Copies with a suffix on the ids of all resources and on the references to them."""
    known = {f"{resource['resourceType']}/{resource.get('id')}" for resource in resources}

    def renamed(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: reference(item) if key == "reference" else renamed(item) for key, item in value.items()}
        return [renamed(item) for item in value] if isinstance(value, list) else value

    def reference(value: Any) -> Any:
        return f"{value}-{suffix}" if isinstance(value, str) and "/".join(value.split("/")[-2:]) in known else value

    for resource in resources:
        yield {**renamed(resource), "id": f"{resource.get('id')}-{suffix}"}


def bundle(resources: Sequence[Resource]) -> Resource:
    entries = [{"fullUrl": f"urn:{r['resourceType']}/{r.get('id')}", "resource": r} for r in resources]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def library_resource(library: LibrarySource) -> Resource:
    elm = library.elm_json()
    if elm is None:
        raise ValueError(f"library {library} is at hand without ELM in JSON")
    return {
        "resourceType": "Library",
        "id": library.name,
        "url": f"https://madie.cms.gov/Library/{library.name}",
        "version": library.version,
        "name": library.name,
        "status": "active",
        "type": {"coding": [{"code": "logic-library"}]},
        "content": [{"contentType": "application/elm+json", "data": base64.b64encode(elm).decode()}],
    }


def value_set(content: Content, identifier: str) -> Resource:
    """A value set with all its codes as an expansion, in whatever form it was published."""
    contains = [{"system": system, "code": code} for system, code in sorted(content.value_sets.expand(identifier))]
    url = identifier.partition("|")[0]
    return {
        "resourceType": "ValueSet",
        "id": url.rsplit("/", 1)[-1],
        "url": url,
        "status": "active",
        "expansion": {"timestamp": "2026-01-01T00:00:00Z", "total": len(contains), "contains": contains},
    }
