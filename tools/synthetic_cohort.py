"""Generate a synthetic cohort: FHIR R4 resources of N patients as NDJSON by type, like a bulk export.

    python tools/synthetic_cohort.py CONTENT --patients 100000 --output DIR [--valuesets DIR]… [--seed 1] [--jobs 2]
        [--largest 100000]

The records have a realistic structure, but make no medical sense:

- Years of encounters, conditions, observations, orders, procedures, immunizations.
- Two of three have profiles and codes that the published measures of CONTENT retrieve, the others other codes.
- Sizes are skewed: one patient in ten thousand has 10,000 resources, and the first one as many as `--largest` says.
- Dates have all forms and offsets.

The same seed generates the same cohort with any number of processes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt
from synthetic_vocabulary import QICORE, Vocabulary, vocabulary

Array = npt.NDArray[Any]

PATIENTS_PER_PART = 5_000
RESOURCES_OF_A_FEW = 10_000
IN_TEN_THOUSAND = 1e-4
# The share of each type in a record. The first resource of each patient is an encounter.
MIX = {
    "Encounter": 0.26,
    "Observation": 0.28,
    "Condition": 0.16,
    "MedicationRequest": 0.08,
    "Procedure": 0.07,
    "ServiceRequest": 0.04,
    "Immunization": 0.03,
    "MedicationAdministration": 0.03,
    "DiagnosticReport": 0.02,
    "DeviceRequest": 0.01,
    "Communication": 0.01,
    "AllergyIntolerance": 0.01,
}
STATUS = {
    "Encounter": ("finished",) * 9 + ("planned", "in-progress"),
    "Observation": ("final",) * 8 + ("amended", "corrected", "preliminary"),
    "MedicationRequest": ("active", "completed", "completed", "stopped", "cancelled"),
    "Procedure": ("completed",) * 8 + ("not-done", "in-progress"),
    "ServiceRequest": ("active", "completed", "completed", "revoked"),
    "Immunization": ("completed",) * 9 + ("not-done",),
    "MedicationAdministration": ("completed",) * 9 + ("not-done",),
    "DiagnosticReport": ("final",) * 5 + ("amended",),
    "DeviceRequest": ("active", "completed"),
    "Communication": ("completed",) * 4 + ("not-done",),
}
CLASSES = ("AMB",) * 12 + ("IMP", "IMP", "EMER", "OBSENC", "VR", "ACUTE", "HH")
UNITS = ("mg/dL", "mm[Hg]", "%", "kg", "cm", "kg/m2", "{score}", "10*3/uL", "mmol/L")
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
DISPOSITIONS = ("306689006", "10161009", "65537008", "86400002", "371828006", "428371000124100")
RACES = (("2106-3", "White"), ("2054-5", "Black or African American"), ("2028-9", "Asian"), ("2131-1", "Other Race"))
PAYERS = ("1", "2", "5", "6", "59", "9999")
# (suffix of a date-time, length to which the text before it is truncated), repeated by frequency
DATE_FORMS = (("Z", 19),) * 8 + (("-05:00", 19),) * 5 + ((".000+00:00", 19),) * 4 + ((".250Z", 19), ("", 19), ("", 10),
              ("", 10), ("+05:30", 19), ("", 7), ("-08:00", 16))  # fmt: skip


class Part:
    """One part of the cohort, whose patients begin with number `first`. It depends only on the seed and its number."""

    def __init__(self, words: Vocabulary, seed: int, number: int, n: int, mean: float, largest: int = 0) -> None:
        self.words = words
        self.random = np.random.default_rng((seed, number))
        self.first = number * PATIENTS_PER_PART
        self.n = n
        self.mean = mean
        self.largest = largest
        self.lines: dict[str, list[str]] = {}

    def make(self) -> dict[str, list[str]]:
        """The NDJSON lines of all resources, by type."""
        self._patients()
        sizes = self.random.lognormal(np.log(self.mean) - 0.5, 1.0, self.n).astype(np.int64) + 2
        sizes[self.random.random(self.n) < IN_TEN_THOUSAND] = RESOURCES_OF_A_FEW
        if self.first == 0 and self.largest:
            sizes[0] = self.largest
        patient = np.repeat(np.arange(self.n), sizes)
        kinds = self.random.choice(len(MIX), len(patient), p=np.array(list(MIX.values())) / sum(MIX.values()))
        kinds[np.cumsum(sizes) - sizes] = 0
        visits = patient[kinds == 0]
        # Each resource refers to a random encounter of its patient.
        first_visit = np.searchsorted(visits, np.arange(self.n))
        n_visits = np.bincount(visits, minlength=self.n)
        for kind, name in enumerate(MIX):
            mine = patient[kinds == kind]
            visit = first_visit[mine] + (self.random.random(len(mine)) * n_visits[mine]).astype(np.int64)
            self.lines[name] = self._resources(name, mine, visit)
        return self.lines

    def _pick(self, choices: Sequence[str], n: int) -> list[str]:
        return [choices[i] for i in self.random.integers(0, len(choices), n).tolist()]

    def _dates(self, seconds: Array, plain: bool = False) -> list[str]:
        texts = np.datetime_as_string(seconds.astype("datetime64[s]")).tolist()
        if plain:
            return [text + "Z" for text in texts]
        forms = self._pick_forms(len(texts))
        return [text[:length] + ending for text, (ending, length) in zip(texts, forms, strict=True)]

    def _pick_forms(self, n: int) -> list[tuple[str, int]]:
        return [DATE_FORMS[i] for i in self.random.integers(0, len(DATE_FORMS), n).tolist()]

    def _times(self, n: int) -> Array:
        """Random times in eleven years, half of them in the last two, as seconds since 1970."""
        day = np.where(
            self.random.random(n) < 0.5, self.random.integers(3287, 4017, n), self.random.integers(0, 4017, n)
        )
        start = np.datetime64("2016-01-01", "s").astype(np.int64)
        return start + day * 86_400 + self.random.integers(6 * 3600, 22 * 3600, n)

    def _patients(self) -> None:
        births = np.datetime64("1926-01-01", "D") + self.random.integers(0, 36_000, self.n)
        born = np.datetime_as_string(births.astype("datetime64[D]")).tolist()
        cut = self._pick(("",) * 48 + ("month", "none"), self.n)
        genders = self._pick(("male", "female", "female", "unknown"), self.n)
        payers = self._pick(PAYERS, self.n)
        races = self.random.integers(0, len(RACES), self.n).tolist()
        patients, coverages = [], []
        for i in range(self.n):
            name = f"p{self.first + i}"
            date = born[i][:7] if cut[i] == "month" else born[i]
            birth = "" if cut[i] == "none" else f'"birthDate":"{date}",'
            code, display = RACES[races[i]]
            patients.append(
                f'{{"resourceType":"Patient","id":"{name}","meta":{{"profile":["{QICORE}patient"]}},{birth}'
                f'"extension":[{{"url":"http://hl7.org/fhir/us/core/StructureDefinition/us-core-race","extension":'
                f'[{{"url":"ombCategory","valueCoding":{{"system":"urn:oid:2.16.840.1.113883.6.238","code":"{code}",'
                f'"display":"{display}"}}}},{{"url":"text","valueString":"{display}"}}]}}],"gender":"{genders[i]}",'
                f'"name":[{{"family":"F{i % 997}","given":["G{i % 89}"]}}]}}'
            )
            coverages.append(
                f'{{"resourceType":"Coverage","id":"{name}-cov","meta":{{"profile":["{QICORE}coverage"]}},'
                f'"status":"active","type":{{"coding":[{{"system":"https://nahdo.org/sopt","code":"{payers[i]}"}}]}},'
                f'"beneficiary":{{"reference":"Patient/{name}"}},"period":{{"start":"2020-01-01"}},'
                f'"payor":[{{"reference":"Organization/o{i % 50}"}}]}}'
            )
        self.lines["Patient"] = patients
        self.lines["Coverage"] = coverages

    def _resources(self, name: str, patient: Array, visit: Array) -> list[str]:
        n = len(patient)
        seconds = self._times(n)
        of_type = {
            "Encounter": self._encounter,
            "Condition": self._condition,
            "Observation": self._observation,
            "MedicationRequest": self._medication_request,
        }
        bodies = of_type.get(name, self._plain)(name, n, seconds)
        fragments = self._pick(self.words.fragments[name], n)
        about = "patient" if name in ("Immunization", "AllergyIntolerance") else "subject"
        letter = name[:2].lower() + name[-1]
        link = "context" if name == "MedicationAdministration" else "encounter"
        first = self.first
        prefix = f'{{"resourceType":"{name}","id":"{letter}{first}-'
        if name == "Encounter":
            return [
                f'{prefix}{i}",{fragment},"{about}":{{"reference":"Patient/p{first + who}"}},{body}}}'
                for i, (fragment, who, body) in enumerate(zip(fragments, patient.tolist(), bodies, strict=True))
            ]
        return [
            f'{prefix}{i}",{fragment},"{about}":{{"reference":"Patient/p{first + who}"}},'
            f'"{link}":{{"reference":"Encounter/enr{first}-{at}"}},{body}}}'
            for i, (fragment, who, at, body) in enumerate(
                zip(fragments, patient.tolist(), visit.tolist(), bodies, strict=True)
            )
        ]

    def _encounter(self, name: str, n: int, seconds: Array) -> list[str]:
        inside = self.random.random(n) < 0.12
        lasts = np.where(inside, self.random.integers(36_000, 900_000, n), self.random.integers(600, 7_200, n))
        ends = self._dates(seconds + lasts)
        left = self._pick(DISPOSITIONS, n)
        stays = [
            f',"hospitalization":{{"dischargeDisposition":{{"coding":[{{"system":"http://snomed.info/sct","code":"{code}"'
            f"}}]}}}}"
            if stayed
            else ""
            for code, stayed in zip(left, inside.tolist(), strict=True)
        ]
        rows = zip(self._pick(STATUS[name], n), self._pick(CLASSES, n), self._dates(seconds), ends, stays, strict=True)
        return [
            f'"status":"{status}","class":{{"system":"{ACT_CODE}","code":"{class_}"}},'
            f'"period":{{"start":"{start}","end":"{end}"}},'
            f'"location":[{{"location":{{"reference":"Location/l{number % 200}"}}}}]{stay}'
            for number, (status, class_, start, end, stay) in enumerate(rows)
        ]

    def _condition(self, name: str, n: int, seconds: Array) -> list[str]:
        system = "http://terminology.hl7.org/CodeSystem/condition-clinical"
        clinical = self._pick(("active", "active", "active", "recurrence", "resolved", "inactive"), n)
        ended = self._dates(seconds + self.random.integers(86_400, 86_400 * 900, n))
        rows = zip(clinical, self._dates(seconds), ended, self._dates(seconds), strict=True)
        return [
            f'"clinicalStatus":{{"coding":[{{"system":"{system}","code":"{status}"}}]}},"onsetDateTime":"{onset}",'
            + (f'"abatementDateTime":"{end}",' if status in ("resolved", "inactive") else "")
            + f'"recordedDate":"{recorded}"'
            for status, onset, end, recorded in rows
        ]

    def _observation(self, name: str, n: int, seconds: Array) -> list[str]:
        numbers = (self.random.gamma(4.0, 20.0, n) * 10).astype(np.int64).tolist()
        concepts, units = self._pick(self.words.concepts, n), self._pick(UNITS, n)
        forms = self.random.random(n).tolist()
        rows = zip(forms, numbers, units, concepts, self._pick(STATUS[name], n), self._dates(seconds), strict=True)
        return [
            f'"status":"{status}","effectiveDateTime":"{when}",'
            + (
                f'"valueQuantity":{{"value":{number // 10}.{number % 10},"unit":"{unit}",'
                f'"system":"http://unitsofmeasure.org","code":"{unit}"}}'
                if form < 0.6
                else f'"valueCodeableConcept":{concept}'
                if form < 0.8
                else f'"component":[{{"code":{{"coding":[{{"system":"http://loinc.org","code":"8480-6"}}]}},"valueQuantity":'
                f'{{"value":{90 + number % 90},"unit":"mmHg","system":"http://unitsofmeasure.org","code":"mm[Hg]"}}}}]'
                if form < 0.92
                else '"valueString":"see note"'
            )
            for form, number, unit, concept, status, when in rows
        ]

    def _medication_request(self, name: str, n: int, seconds: Array) -> list[str]:
        ends = self._dates(seconds + self.random.integers(86_400, 86_400 * 90, n), plain=True)
        rows = zip(
            self._pick(STATUS[name], n), self._dates(seconds), self._dates(seconds, plain=True), ends, strict=True
        )
        return [
            f'"status":"{status}","intent":"order","authoredOn":"{written}","dosageInstruction":[{{"timing":{{"repeat":'
            f'{{"boundsPeriod":{{"start":"{start}","end":"{end}"}},'
            f'"frequency":{1 + i % 3},"period":1,"periodUnit":"d"}}}},'
            f'"doseAndRate":[{{"doseQuantity":{{"value":{1 + i % 2},"unit":"tablet"}}}}]}}],'
            f'"requester":{{"reference":"Practitioner/r{i % 300}"}}'
            for i, (status, written, start, end) in enumerate(rows)
        ]

    def _plain(self, name: str, n: int, seconds: Array) -> list[str]:
        if name == "AllergyIntolerance":
            return [f'"recordedDate":"{when}"' for when in self._dates(seconds)]
        element = {
            "Procedure": "performedDateTime",
            "ServiceRequest": "authoredOn",
            "DeviceRequest": "authoredOn",
            "Immunization": "occurrenceDateTime",
            "Communication": "sent",
        }.get(name, "effectiveDateTime")
        intent = '"intent":"order",' if name.endswith("Request") else ""
        rows = zip(self._pick(STATUS[name], n), self._dates(seconds), strict=True)
        return [f'"status":"{status}",{intent}"{element}":"{when}"' for status, when in rows]


def write_part(
    number: int, words: Vocabulary, seed: int, n_patients: int, mean: float, output: Path, largest: int = 0
) -> int:
    """Write the files of one part. Returns its number of resources."""
    n = min(PATIENTS_PER_PART, n_patients - number * PATIENTS_PER_PART)
    lines = Part(words, seed, number, n, mean, largest).make()
    for name, texts in lines.items():
        (output / f"{name}.{number:04}.ndjson").write_text("\n".join(texts) + "\n", "utf-8")
    return sum(map(len, lines.values()))


def write_shared(output: Path) -> None:
    """Write the resources that belong to no patient."""
    shared: dict[str, list[dict[str, object]]] = {
        "Organization": [{"id": f"o{i}", "name": f"Organization {i}"} for i in range(50)],
        "Location": [{"id": f"l{i}", "status": "active", "name": f"Ward {i}"} for i in range(200)],
        "Practitioner": [{"id": f"r{i}", "active": True} for i in range(300)],
    }
    for name, resources in shared.items():
        texts = [json.dumps({"resourceType": name, **resource}) for resource in resources]
        (output / f"{name}.ndjson").write_text("\n".join(texts) + "\n", "utf-8")


@click.command()
@click.argument("content", type=click.Path(path_type=Path, exists=True))
@click.option("--patients", default=1_000, show_default=True)
@click.option("--mean", default=40.0, show_default=True, help="Approximate resources per patient.")
@click.option("--largest", default=0, help="Resources of the first patient; by default as for other patients.")
@click.option("--seed", default=1, show_default=True)
@click.option("--jobs", default=1, show_default=True)
@click.option("--valuesets", multiple=True, type=click.Path(path_type=Path, exists=True), help="More value sets.")
@click.option("--output", required=True, type=click.Path(path_type=Path, file_okay=False))
def main(
    content: Path,
    patients: int,
    mean: float,
    largest: int,
    seed: int,
    jobs: int,
    valuesets: tuple[Path, ...],
    output: Path,
) -> None:
    """Generate a synthetic cohort with the codes of the measures in CONTENT."""
    output.mkdir(parents=True, exist_ok=True)
    words = vocabulary(content, valuesets, MIX)
    write_shared(output)
    write = partial(write_part, words=words, seed=seed, n_patients=patients, mean=mean, output=output, largest=largest)
    parts = range(-(-patients // PATIENTS_PER_PART))
    if jobs == 1:
        count = sum(map(write, parts))
    else:
        with ProcessPoolExecutor(jobs) as pool:
            count = sum(pool.map(write, parts))
    click.echo(f"{count:,} resources of {patients:,} patients")


if __name__ == "__main__":
    main()
