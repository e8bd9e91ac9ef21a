"""A small measure of our own and two cases of it, to be laid out in every way that publications are."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from ecqm.bundles.content import Content
from ecqm.bundles.decks.matching import match_deck
from ecqm.bundles.decks.runner import DeckRunner
from tests.bundles.contents import bundle
from tests.measures.decks.cases import PROFILE
from tests.measures.resources import concept, criteria, population

Resource = dict[str, Any]

CQL = """library Visits version '1.0.000'
using FHIR version '4.0.1'
parameter "Measurement Period" Interval<DateTime>
context Patient
define "Initial Population": exists ([Encounter] Visit where Visit.status.value = 'finished')
define "Denominator": "Initial Population"
define "Numerator": exists [Observation]
"""

URL = "http://example.org/Measure/Visits"
POPULATIONS = {"initial-population": "ip", "denominator": "den", "numerator": "num"}

BOTH = {"seen": True, "unseen": True}
"""What `run` finds if both cases agree."""


def measure(**more: Any) -> Resource:
    names = ("Initial Population", "Denominator", "Numerator")
    listed = [population(code, name, id=id_) for (code, id_), name in zip(POPULATIONS.items(), names, strict=True)]
    base = {
        "resourceType": "Measure",
        "id": "Visits",
        "url": URL,
        "name": "Visits",
        "version": "1.0.000",
        "library": ["http://example.org/Library/Visits"],
        "effectivePeriod": {"start": "2026-01-01", "end": "2026-12-31"},
        "scoring": concept("proportion"),
        "group": [{"id": "g1", "population": listed}],
    }
    return base | more


def measure_with(code: str, expression: str, language: str = "text/cql-identifier") -> Resource:
    """The measure with another criterion for one population."""
    made = measure()
    at = list(POPULATIONS).index(code)
    made["group"][0]["population"][at]["criteria"] = criteria(expression) | {"language": language}
    return made


def library(cql: str = CQL, **more: Any) -> Resource:
    base = {"resourceType": "Library", "id": "Visits", "name": "Visits", "version": "1.0.000"}
    content = [{"contentType": "text/cql", "data": base64.b64encode(cql.encode()).decode()}]
    return base | {"url": "http://example.org/Library/Visits", "content": content} | more


def patient(name: str) -> Resource:
    return {"resourceType": "Patient", "id": name, "birthDate": "1970-01-01"}


def visit(name: str) -> Resource:
    subject = {"reference": f"Patient/{name}"}
    return {"resourceType": "Encounter", "id": f"visit-{name}", "status": "finished", "subject": subject}


def finding(name: str) -> Resource:
    subject = {"reference": f"Patient/{name}"}
    return {"resourceType": "Observation", "id": f"finding-{name}", "status": "final", "subject": subject}


def report(name: str, numerator: int, **more: Any) -> Resource:
    """What a case expects: always the initial population and the denominator."""
    counts = [
        {"id": id_, "code": concept(code), "count": numerator if code == "numerator" else 1}
        for code, id_ in POPULATIONS.items()
    ]
    base = {
        "resourceType": "MeasureReport",
        "id": f"report-{name}",
        "meta": {"profile": [PROFILE]},
        "contained": [{"resourceType": "Parameters", "parameter": [{"name": "subject", "valueString": name}]}],
        "type": "individual",
        "measure": f"{URL}|1.0.000",
        "period": {"start": "2026-01-01", "end": "2026-12-31"},
        "group": [{"id": "g1", "population": counts}],
    }
    return base | more


def cases(**more: Any) -> dict[str, list[Resource]]:
    """By the name of the patient, all resources of a case: one is in the numerator, one is not."""
    return {
        "seen": [patient("seen"), visit("seen"), finding("seen"), report("seen", 1, **more)],
        "unseen": [patient("unseen"), visit("unseen"), report("unseen", 0, **more)],
    }


def write(path: Path, *resources: Resource) -> Path:
    """One resource as it is, several as a bundle."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(resources[0] if len(resources) == 1 else bundle(*resources)), "utf-8")
    return path


def repository(root: Path, *resources: Resource) -> Path:
    """A content repository without cases; of the measure and its library where nothing else is given."""
    for resource in resources or (measure(), library()):
        kind = resource["resourceType"].lower()
        write(root / "input" / "resources" / kind / f"{resource['id']}-{resource['version']}.json", resource)
    return root


def deck(folder: Path, **more: Any) -> Path:
    """A folder for each case, with a bundle in it."""
    for name, resources in cases(**more).items():
        write(folder / name / f"{name}.json", *resources)
    return folder


def run(content: Path, tests: Path | None = None) -> dict[str, bool]:
    """Whether each case agrees, by its name."""
    opened = Content.open(content)
    runner = DeckRunner(opened)
    found = {}
    for part in match_deck(opened, tests).measures:
        for result in runner.run(part.measure, part.cases).results:
            found[result.case.name] = result.passes
    return found
