"""What the Java engine says of the patients of a measure, in plain values (plain_values.py)."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from inputs import bundle
from java_engine import Definition, JavaEngine, Patients
from made_patients import PERIOD
from measure_answers import Answer
from mutations import Record

from ecqm.bundles.content import Content
from ecqm.measures.definition import Measure
from ecqm.measures.evaluation.planning import MeasurePlan
from ecqm.models.profiles import canonical, derived_from


def definitions_of(plan: MeasurePlan) -> list[Definition]:
    """The definitions of all libraries, apart from those that are there in two versions."""
    names = Counter(library.identifier.name for library in plan.libraries.libraries)
    return [
        Definition(f"{library.identifier.name}.{name}", library.identifier.name, library.identifier.version, name)
        for library in plan.libraries.libraries
        if names[library.identifier.name] == 1
        for name in library.expressions
    ]


def retrieved_profiles(elm: Any) -> Iterator[str]:
    """The profiles that ELM retrieves by."""
    if isinstance(elm, dict):
        if elm.get("type") == "Retrieve" and "templateId" in elm:
            yield elm["templateId"]
        elm = list(elm.values())
    if isinstance(elm, list):
        for each in elm:
            yield from retrieved_profiles(each)


def accepted(measure: Any) -> Any:
    """A Measure as the clinical reasoning accepts it: without supplemental data, which it refuses if the usage has no
    code that it knows, and with methods of aggregation in lower case, as in the value set of these codes."""
    accepted = copy.deepcopy(measure)
    accepted.pop("supplementalData", None)
    for group in accepted["group"]:
        for extension in [each for population in group["population"] for each in population.get("extension", [])]:
            if extension["url"].endswith("/cqfm-aggregateMethod"):
                extension.update({key: text.lower() for key, text in extension.items() if key.startswith("value")})
    return accepted


class Theirs:
    """The Java engine's answers for a measure."""

    def __init__(self, engine: JavaEngine, content: Content, measure: Measure, plan: MeasurePlan) -> None:
        self._engine = engine
        self._definitions = definitions_of(plan)
        self._primary = plan.libraries.main.identifier.name
        self._measure = accepted(json.loads(content.measures.find(str(measure.canonical)).read()))
        closure = content.closure(measure)
        self._libraries = []
        for library in closure.libraries:
            elm = library.elm_json()
            if elm is None:
                raise ValueError(f"library {library} has no ELM in JSON")
            # Some translators add a report next to the library, which the Java engine's reader refuses.
            self._libraries.append({"library": json.loads(elm)["library"]})
        profiles = set(retrieved_profiles(self._libraries))
        self._profiles = {profile: derived_from(canonical(profile)) for profile in profiles}
        self._value_sets = {each.partition("|")[0]: content.value_sets.expand(each) for each in closure.value_sets()}

    def answers(self, records: Sequence[Record], mended: Sequence[str] = ()) -> list[Answer]:
        """The answer for each record, with some of the engine's faults mended."""
        with TemporaryDirectory() as temporary:
            folder = Path(temporary)
            libraries = [folder / f"{number}.json" for number in range(len(self._libraries))]
            for file, library in zip(libraries, self._libraries, strict=True):
                file.write_text(json.dumps(library))
            patients = folder / "patients.ndjson"
            patients.write_text("".join(json.dumps(bundle(record)) + "\n" for record in records))
            definition = folder / "measure.json"
            definition.write_text(json.dumps(self._measure))
            bounds = f"{PERIOD[0]}T00:00:00.000Z", f"{PERIOD[1]}T23:59:59.999Z"
            about = Patients(
                patients, bounds, self._value_sets, self._profiles, definition, self._primary, mended=tuple(mended)
            )
            return self._engine.evaluate(libraries, self._definitions, about)
