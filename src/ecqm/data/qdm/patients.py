"""Readers of QDM patients: JSON (files, arrays of patients, lines) and QRDA Category I, in folders and archives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from ecqm.data.allocation import many_objects
from ecqm.data.cohort.cohort import Cohort
from ecqm.data.fhir.demand import EVERYTHING, Demand
from ecqm.data.files.archived import files_in, is_archive
from ecqm.data.files.content import read_bytes
from ecqm.data.problems import DataError, name_of, reason
from ecqm.data.qdm.cohort import QdmCohortBuilder
from ecqm.data.qdm.fitting import Unfit, fit, fitted
from ecqm.data.qdm.qrda import reader as qrda
from ecqm.data.qdm.schema import NEWEST
from ecqm.data.qdm.structs import PLAIN_STRUCTS, TAG, all_data_types
from ecqm.json_decoding import json_decoder
from ecqm.terminology import CodeIndex

LINES = (".ndjson", ".jsonl")
XML = ".xml"
SUFFIXES = (".json", *LINES, XML)
_decode_list = json_decoder(list[msgspec.Raw])
_decode_element = json_decoder(dict[str, Any], float_hook=Decimal)
_decode_object = json_decoder(dict[str, Any])
_ENCODER = msgspec.json.Encoder(decimal_format="number")
# What the tools keep with an element about how they show it, none of it an attribute.
_BOOKKEEPING = frozenset(
    ("_id", "_type", "bundleId", "codeListId", "description", "hqmfOid", "qrdaOid", "qdmVersion")
).union(("qdmCategory", "qdmStatus", "qdmTitle"))


def read_patients(
    paths: Sequence[Path],
    demand: Demand = EVERYTHING,
    codes: CodeIndex | None = None,
    version: str = NEWEST,
    default_offset: int = 0,
    by_id: bool = False,
) -> Cohort:
    """A cohort of the QDM patients in files, folders and zip archives, one row for each in order.

    A file holds a patient, an array of them, one per line (.ndjson, .jsonl), or a QRDA I document (.xml). Patients with
    one id are one patient if `by_id`, otherwise several (as in test cases). What of a patient cannot be understood is
    among the cohort's problems. DataError for a path that does not exist.
    """
    builder = QdmCohortBuilder(demand, codes, version, default_offset, by_id)
    with many_objects():
        for path in paths:
            for origin, document in documents(path, builder.report):
                add_document(builder, document, origin)
    return builder.finish()


def documents(
    path: Path, report: Callable[[str, str], None], suffixes: tuple[str, ...] = SUFFIXES
) -> Iterator[tuple[str, bytes]]:
    """(Where it is, content) of a file, of every such file below a folder, or of every one in a zip archive and in the
    archives in it.

    `report` takes where something is that cannot be read, and why. DataError for a path that does not exist.
    """
    if path.is_dir():
        for below in sorted(each for each in path.rglob("*") if each.suffix in suffixes or is_archive(each)):
            if below.is_file():
                yield from documents(below, report, suffixes)
        return
    if not path.exists():
        raise DataError(f"{path} does not exist")
    try:
        files = files_in(path, suffixes) if is_archive(path) else [path]
    except (DataError, OSError) as error:
        report(name_of(path), reason(error))
        return
    for file in files:
        try:
            data = read_bytes(file)
        except (DataError, OSError) as error:
            report(name_of(file), reason(error))
        else:
            yield name_of(file), data


def add_document(builder: QdmCohortBuilder, document: bytes, origin: str) -> None:
    """Every patient of a document, which its name tells to be JSON, lines of JSON, or QRDA."""
    if origin.endswith(XML):
        qrda.add_document(builder, document, origin)
    elif origin.endswith(LINES):
        for number, line in enumerate(document.splitlines(), 1):
            if line.strip():
                add_patient(builder, line, f"{origin}:{number}")
    elif document.lstrip()[:1] == b"[":
        try:
            patients = _decode_list(document)
        except msgspec.DecodeError as error:
            builder.report(origin, f"not valid JSON: {error}")
            return
        for number, patient in enumerate(patients):
            add_patient(builder, bytes(patient), f"{origin}#{number}")
    else:
        add_patient(builder, document, origin)


def add_patient(builder: QdmCohortBuilder, document: bytes, origin: str) -> int | None:
    """The patient of a JSON object; its row, or None (and a problem) if it is none."""
    try:
        patient = builder.structs.decode(document)
    except msgspec.ValidationError:
        patient = _read_leniently(builder, document, origin)
    except msgspec.DecodeError as error:
        builder.report(origin, f"not valid JSON: {error}")
        return None
    if patient is None:
        return None
    inner = patient.qdmPatient
    if inner is not None:
        inner.id = patient.id if patient.id is not None else inner.id
        inner.familyName, inner.givenNames = patient.familyName, patient.givenNames
        patient = inner
    if patient.dataElements is None:
        builder.report(origin, "no QDM patient: there are no dataElements")
        return None
    return builder.add(patient, origin)


def _read_leniently(builder: QdmCohortBuilder, document: bytes, origin: str) -> Any:
    """A patient whose elements do not all fit the model: each taken by itself, as far as it can be understood."""
    try:
        patient = builder.structs.decode_raw(document)
    except msgspec.DecodeError as error:
        builder.report(origin, f"no QDM patient: {error}")
        return None
    holder = patient if patient.qdmPatient is None else patient.qdmPatient
    elements = [
        _element(builder, raw, origin, number, str(patient.id)) for number, raw in enumerate(holder.dataElements or ())
    ]
    if holder.dataElements is not None:
        holder.dataElements = [element for element in elements if element is not None]
    return patient


def _element(builder: QdmCohortBuilder, raw: msgspec.Raw, origin: str, number: int, patient: str) -> Any:
    try:
        value = _decode_element(bytes(raw))
    except msgspec.DecodeError as error:
        builder.report(origin, f"no data element: {error}", number, patient)
        return None
    name = str(value.get("_type") or "").removeprefix(TAG)
    struct = builder.structs.data_types.get(name)
    if struct is None:
        if name not in all_data_types():
            builder.report(origin, f"{name or 'an element without _type'} is not a data type of QDM", number, patient)
        return None
    attributes = builder.structs.attributes(name)
    fitted = {}
    for key, attribute in attributes.items():
        if key in ("code", "id"):
            continue
        try:
            fitted[key] = fit(value.get(key), attribute.type, builder.structs)
        except Unfit as error:
            builder.report(origin, f"{key}: {error}", number, patient, name)
    return struct(id=value.get("id"), **fitted)


def read_whole(data: bytes, origin: str) -> tuple[QdmCohortBuilder, list[Any]]:
    """The patients of a document with everything that they have, each in the form of the newest model.

    The builder's problems name whatever had to be left out, attributes that the model does not know among them.
    """
    builder = QdmCohortBuilder()
    add_document(builder, data, origin)
    for patient in builder.patients:
        fitted(patient, builder.structs, lambda number, message: builder.report(origin, message, number))
    if not origin.endswith((XML, *LINES)):
        for number, message in _unknown_attributes(data, builder):
            builder.report(origin, message, number)
    return builder, builder.patients


def _unknown_attributes(data: bytes, builder: QdmCohortBuilder) -> Iterator[tuple[int, str]]:
    """(Number of the element, finding) for what a patient's JSON holds that the model does not have."""
    try:
        patient = _decode_object(data)
    except msgspec.DecodeError:
        return
    holder = patient.get("qdmPatient") or patient
    elements = holder.get("dataElements") if isinstance(holder, dict) else None
    for number, element in enumerate(elements if isinstance(elements, list) else ()):
        if not isinstance(element, dict):
            continue
        name = str(element.get("_type") or "").removeprefix(TAG)
        if name not in builder.structs.data_types:
            yield number, f"{name} is not a data type of QDM {builder.structs.schema.version}"
            continue
        known = builder.structs.schema.attributes(name)
        for key, value in element.items():
            if value not in (None, [], {}) and key not in known and key not in _BOOKKEEPING:
                yield number, f"{name}.{key} is not an attribute in QDM {builder.structs.schema.version}"


def to_json(patient: Any) -> bytes:
    """A patient (a struct of `QdmStructs.patient`) as the community's JSON, in the envelope of its test patients."""
    inner = {
        "_id": patient.id,
        "birthDatetime": patient.birthDatetime,
        "dataElements": list(map(_tagged, patient.dataElements or ())),
        "extendedData": {},
        "qdmVersion": patient.qdmVersion or NEWEST,
    }
    outer = {"_id": patient.id, "familyName": patient.familyName, "givenNames": patient.givenNames or []}
    return msgspec.json.format(_ENCODER.encode({**outer, "qdmPatient": inner}), indent=2)


def _tagged(value: Any) -> Any:
    """A struct as the object that JSON has for it, saying what it is; what is not there is left out."""
    if isinstance(value, list):
        return list(map(_tagged, value))
    if not isinstance(value, msgspec.Struct):
        return value
    named = {"_type": TAG + type(value).__name__} if type(value) not in PLAIN_STRUCTS else {}
    values = {name: getattr(value, name) for name in value.__struct_fields__}
    return named | {name: _tagged(each) for name, each in values.items() if each is not None}
