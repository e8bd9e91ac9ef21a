"""Measure resources: read, search, and what data they require (FHIR R4, RESTful API and Measure/$data-requirements)."""

from __future__ import annotations

from urllib.parse import urlencode

import msgspec

from ecqm.bundles.content.catalog import MeasureSource
from ecqm.measures.results.fhir_elements import Json
from ecqm.reporting.requirements import Requirements, requirements_library
from ecqm.server.calls import Call
from ecqm.server.inputs import Inputs
from ecqm.server.outcomes import invalid, not_found
from ecqm.server.service import Service

SEARCH_PARAMETERS = {"_id": "token", "name": "string", "url": "uri", "version": "token"}
_PAGE = ("_count", "_offset")


def read(service: Service, call: Call) -> msgspec.Raw:
    """The Measure resource with an id, in its latest version. Raises RequestError."""
    found = [source for source in service.content.measures if _id(service, source) == call.id]
    if not found:
        raise not_found(f"there is no Measure/{call.id}")
    taken = service.content.measures.find(found[0].url)
    return msgspec.Raw(taken.read() if taken in found else found[0].read())


def search(service: Service, call: Call) -> Json:
    """A searchset Bundle of the Measure resources that match all parameters, page by page if `_count` is given.

    Raises RequestError.
    """
    inputs = Inputs(call, (*SEARCH_PARAMETERS, *_PAGE), {})
    wanted = {name: text for name in SEARCH_PARAMETERS if (text := inputs.text(name)) is not None}
    found = [source for source in service.content.measures if _matches(service, source, wanted)]
    first = _number(inputs, "_offset", 0)
    count = _number(inputs, "_count", len(found))
    links = [{"relation": "self", "url": call.url}]
    if first + count < len(found) and count:
        query = urlencode(wanted | {"_count": count, "_offset": first + count})
        links.append({"relation": "next", "url": f"{call.base}/Measure?{query}"})
    entries = [_entry(service, source, call.base) for source in found[first : first + count]]
    bundle: Json = {"resourceType": "Bundle", "type": "searchset", "total": len(found), "link": links}
    return bundle | ({"entry": entries} if entries else {})


def data_requirements(service: Service, call: Call) -> Json:
    """A Library with the data that a measure requires, whatever the period. Raises RequestError."""
    inputs = Inputs(call, ("measure", "periodStart", "periodEnd"), {})
    name = call.id or inputs.text("measure")
    if name is None:
        raise invalid("parameter measure is missing: of which measure?")
    selection = service.planned(service.measure(name))
    return requirements_library(Requirements.of(selection, service.content.value_sets))


def _entry(service: Service, source: MeasureSource, base: str) -> Json:
    url = f"{base}/Measure/{_id(service, source)}"
    return {"fullUrl": url, "resource": msgspec.Raw(source.read()), "search": {"mode": "match"}}


def _id(service: Service, source: MeasureSource) -> str | None:
    return service.content.measures.measure(source).id


def _matches(service: Service, source: MeasureSource, wanted: Json) -> bool:
    """Whether a measure matches: a name by its beginning, whatever its case, everything else exactly."""
    url, _, version = wanted.get("url", "").partition("|")
    return (
        source.name.lower().startswith(wanted.get("name", "").lower())
        and url in ("", source.url)
        and version in ("", source.version)
        and wanted.get("version") in (None, source.version)
        and wanted.get("_id") in (None, _id(service, source))
    )


def _number(inputs: Inputs, name: str, default: int) -> int:
    text = inputs.text(name)
    if text is None:
        return default
    if not text.isdecimal() or len(text) > 9:
        raise invalid(f"parameter {name} is a number, not {text}")
    return int(text)
