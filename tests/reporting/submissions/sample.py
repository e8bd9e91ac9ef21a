"""The sample measure of kidneys as one that CMS lists, with supplemental data, and its results.

Of the twelve sample patients nine are in the initial population: five women (both, no-result, period, before, tested)
and four men (declined, not-tested, dialysis, eighteen). Three are 65 or older: declined, dialysis and period.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

from tests.cli.samples import CASES, KIDNEY, copy_of_sample, ecqm

# Women are of two races and have two payers of one kind; of men none is told, and of the young no ethnicity.
_SUPPLEMENTS = """
codesystem "CDCREC": 'urn:oid:2.16.840.1.113883.6.238'
codesystem "SOP": 'https://nahdo.org/sopt'
code "Male": '248153007' from "SNOMED CT"
code "Female": '248152002' from "SNOMED CT"
code "Asian": '2028-9' from "CDCREC"
code "White": '2106-3' from "CDCREC"
code "Hispanic": '2135-2' from "CDCREC"
code "Mexican": '2148-5' from "CDCREC"
code "Commercial": '51' from "SOP"
code "Blue Cross": '61' from "SOP"
"""
_DEFINES = """
define "SDE Sex":
  if Patient.gender = 'male' then "Male" else "Female"

define "SDE Race":
  if Patient.gender = 'male' then Tuple { codes: { "White" }, display: 'one' }
  else Tuple { codes: { "White", "Asian" }, display: 'two' }

define "SDE Ethnicity":
  if "Age At End" >= 65 then Tuple { codes: { "Mexican", "Hispanic" }, display: 'told' } else null

define "SDE Payer":
  (if Patient.gender = 'female' then { "Commercial", "Blue Cross" } else null) Payer
    return Tuple { code: Concept { codes: { Payer } }, period: "Measurement Period" }
"""

MIPS = ("--program", "MIPS_INDIV", "--tin", "123456789", "--npi", "1234567893")


def listed_sample(folder: Path, cms: str = "349FHIR", strata: bool = False) -> Path:
    """The content with the sample measure under a number of CMS: with its exceptions, or with its strata instead."""
    content = copy_of_sample(folder)
    cql = content / "input" / "cql" / f"{KIDNEY}.cql"
    head, context, rest = cql.read_text("utf-8").partition("parameter")
    text = head + _SUPPLEMENTS + context + rest + _DEFINES
    cql.write_text(text, "utf-8")
    library = content / "input" / "resources" / "library" / f"{KIDNEY}.json"
    resource = json.loads(library.read_text("utf-8"))
    resource["content"] = [{"contentType": "text/cql", "data": base64.b64encode(text.encode()).decode()}]
    library.write_text(json.dumps(resource), "utf-8")
    path = content / "input" / "resources" / "measure" / f"{KIDNEY}.json"
    measure = json.loads(path.read_text("utf-8"))
    measure["identifier"] = [identifier("publisher", "https://madie.cms.gov/measure/cmsId", cms)]
    (group,) = measure["group"]
    if strata:
        group["population"] = [each for each in group["population"] if each["id"] != "DenominatorException_1"]
    else:
        del group["stratifier"]
    measure["supplementalData"] = [
        {"id": f"sde-{name.lower()}", "criteria": {"language": "text/cql-identifier", "expression": f"SDE {name}"}}
        for name in ("Sex", "Race", "Ethnicity", "Payer")
    ]
    path.write_text(json.dumps(measure), "utf-8")
    return content


def identifier(kind: str, system: str, value: str) -> dict[str, object]:
    """An identifier of a Measure resource."""
    types = "http://terminology.hl7.org/CodeSystem/artifact-identifier-type"
    return {"type": {"coding": [{"system": types, "code": kind}]}, "system": system, "value": value}


def results_of(folder: Path, *options: object, cms: str = "349FHIR", strata: bool = False) -> Path:
    """A folder with the results of the sample measure over its patients."""
    content, output = listed_sample(folder, cms, strata), folder / "out"
    result = ecqm("run", content, "--measure", KIDNEY, "--data", CASES / KIDNEY, "--output", output, *options)
    assert result.exit_code == 0, result.output
    return output
