"""The sample measures with something changed about them, and patients for them."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from ecqm.cli.main import main

SAMPLE = Path(__file__).parent.parent.parent / "measure_bundles" / "sample"
CASES = SAMPLE / "input" / "tests" / "measure"
KIDNEY, STAY = "SampleDiabetesKidneyCheck", "SampleHospitalStay"
PERIOD = "2026-01-01/2026-12-31"
ELM = "application/elm+json"
QICORE = "http://hl7.org/fhir/us/qicore/StructureDefinition/"

Json = dict[str, Any]


def ecqm(*arguments: object) -> Result:
    """A command that was run to its end: however wrong its input is, it raises nothing."""
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output and "internal error" not in result.output, result.output
    return result


def copy_of_sample(folder: Path) -> Path:
    """The sample content without its cases."""
    return Path(shutil.copytree(SAMPLE, folder / "content", ignore=shutil.ignore_patterns("tests")))


def change_elm(content: Path, library: str, change: Callable[[Json], None]) -> None:
    """Changes the ELM of a library of a copied content; its CQL is left out."""
    resource = json.loads((content / "input" / "resources" / "library" / f"{library}.json").read_text("utf-8"))
    (data,) = (part["data"] for part in resource["content"] if part["contentType"] == ELM)
    elm = json.loads(base64.b64decode(data))
    change(elm["library"])
    replace_elm(content, library, json.dumps(elm).encode())


def replace_elm(content: Path, library: str, elm: bytes) -> None:
    """Puts something else in place of the ELM of a library of a copied content; its CQL is left out."""
    path = content / "input" / "resources" / "library" / f"{library}.json"
    resource = json.loads(path.read_text("utf-8"))
    resource["content"] = [{"contentType": ELM, "data": base64.b64encode(elm).decode()}]
    path.write_text(json.dumps(resource), "utf-8")
    (content / "input" / "cql" / f"{library}.cql").unlink(missing_ok=True)


def expression(library: Json, name: str) -> Json:
    """The ELM of a definition's expression."""
    found: Json = next(each for each in library["statements"]["def"] if each["name"] == name)["expression"]
    return found


def stay(patient: str = "p1", **elements: Any) -> list[Json]:
    """A patient with a stay in hospital that the measure of stays counts; `elements` of the encounter are replaced."""
    return [
        {"resourceType": "Patient", "id": patient, "birthDate": "1970-06-15"},
        {
            "resourceType": "Encounter",
            "id": f"{patient}-stay",
            "status": "finished",
            "subject": {"reference": f"Patient/{patient}"},
            "type": [{"coding": [{"system": "http://snomed.info/sct", "code": "183452005"}]}],
            "period": {"start": "2026-02-03T14:00:00Z", "end": "2026-02-06T11:00:00Z"},
            **elements,
        },
    ]


class Run:
    """A run of the measure of stays, or of others, with what it left behind."""

    def __init__(self, folder: Path, content: Path, data: Path, *options: object, measure: str = STAY) -> None:
        self.output = folder / "results"
        self.result = ecqm("run", content, "--measure", measure, "--data", data, "--output", self.output, *options)

    def read(self, name: str) -> Any:
        return json.loads((self.output / name).read_text("utf-8"))

    @property
    def counts(self) -> dict[str, int]:
        """The populations of the first measure's first group, by their codes."""
        group = self.read("summary.json")["entry"][0]["resource"]["group"][0]
        return {each["code"]["coding"][0]["code"]: each["count"] for each in group["population"]}

    @property
    def problems(self) -> list[str]:
        """What is said of the data."""
        return [f"{each['file']} {each['resource']}: {each['message']}" for each in self.read("errors.json")["data"]]
