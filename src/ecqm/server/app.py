"""FHIR over HTTP: routes, formats and sizes of requests. What they say is read by the workers alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ecqm.measures.results.fhir_elements import Json
from ecqm.server.calls import Answer, Call
from ecqm.server.capabilities import FHIR_VERSION, capabilities
from ecqm.server.outcomes import RequestError

FHIR_JSON = "application/fhir+json"
_JSON_TYPES = frozenset((FHIR_JSON, "application/json", "text/json", "application/json+fhir"))
_ACCEPTED = _JSON_TYPES | {"*/*", "application/*", "text/*"}
_FORMATS = _JSON_TYPES | {"json"}
# URLs have no more than the parameters of an operation.
_LONGEST_QUERY = 16 << 10
_CODES = {404: "not-found", 405: "not-supported"}

Endpoint = Callable[[Request], Awaitable[Response]]


class Answering(Protocol):
    """What answers calls: the pool of workers."""

    @property
    def is_up(self) -> bool:
        """Whether there is anything that could answer."""
        ...

    async def answer(self, call: Call) -> Answer:
        """The answer to a call. Raises RequestError."""
        ...

    def end(self) -> None:
        """End, and remove what was kept for calls."""
        ...


def app(pool: Answering, largest: int, hosts: Sequence[str]) -> Starlette:
    """The application, for requests with at most `largest` bytes.

    `hosts` are the names that requests may call the server by (`*` for any), so that no page of another site can be
    made to look like one of this server (DNS rebinding).
    """

    @asynccontextmanager
    async def lifespan(application: Starlette) -> AsyncIterator[None]:
        yield
        # Here, because a signal that ends the server ends its process right after this.
        pool.end()

    def operation(name: str) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            _require_json(request)
            body = await _body(request, largest) if request.method == "POST" else None
            answer = await pool.answer(_call(name, request, body))
            return Response(answer.body, answer.status, media_type=FHIR_JSON)

        return endpoint

    async def metadata(request: Request) -> Response:
        _require_json(request)
        return _response(capabilities(_base(request)))

    async def health(request: Request) -> Response:
        status = "up" if pool.is_up else "down"
        return JSONResponse({"status": status}, 200 if pool.is_up else 503)

    operations = [
        Route(path, operation(name), methods=["GET", "POST"])
        for path, name in (
            ("/Measure/$evaluate-measure", "evaluate-measure"),
            ("/Measure/{id}/$evaluate-measure", "evaluate-measure"),
            ("/Measure/$evaluate", "evaluate"),
            ("/Measure/{id}/$evaluate", "evaluate"),
            ("/Measure/$data-requirements", "data-requirements"),
            ("/Measure/{id}/$data-requirements", "data-requirements"),
            ("/$cql", "cql"),
            ("/Library/$evaluate", "evaluate-library"),
            ("/Library/{id}/$evaluate", "evaluate-library"),
        )
    ]
    routes = [
        Route("/metadata", metadata),
        Route("/health", health),
        *operations,
        Route("/Measure", operation("search")),
        Route("/Measure/{id}", operation("read")),
    ]
    handlers = {RequestError: _refused, HTTPException: _unrouted, ClientDisconnect: _gone}
    trusted = Middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False)
    return Starlette(routes=routes, middleware=[trusted], exception_handlers=handlers, lifespan=lifespan)


def _call(operation: str, request: Request, body: bytes | None) -> Call:
    if len(request.url.query) > _LONGEST_QUERY:
        raise RequestError(414, "too-long", "the URL is too long; send the parameters in a POST")
    query = tuple(request.query_params.multi_items())
    return Call(operation, request.path_params.get("id"), query, body, str(request.url), _base(request))


def _base(request: Request) -> str:
    return str(request.base_url).rstrip("/")


async def _body(request: Request, largest: int) -> bytes:
    """The body of a POST. Raises RequestError if it is not JSON, or too large."""
    kind = request.headers.get("content-type", "none")
    name, _, charset = kind.partition(";")
    if name.strip().lower() not in _JSON_TYPES or ("charset=" in charset.lower() and "utf-8" not in charset.lower()):
        raise RequestError(415, "not-supported", f"the content type is {FHIR_JSON} in UTF-8, not {kind}")
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > largest:
            raise RequestError(413, "too-long", f"the body has more than {largest:,} bytes (option --max-request)")
        parts.append(part)
    return b"".join(parts)


def _require_json(request: Request) -> None:
    """Raises RequestError if the client accepts no JSON."""
    stated = request.query_params.get("_format")
    accepted = [stated] if stated else request.headers.get("accept", "*/*").split(",")
    kinds = {kind.partition(";")[0].strip().lower() for kind in accepted}
    if not kinds & (_FORMATS if stated else _ACCEPTED):
        raise RequestError(406, "not-supported", f"resources are available as {FHIR_JSON} only")


def _response(resource: Json, status: int = 200) -> Response:
    return Response(Answer.of(resource).body, status, media_type=f"{FHIR_JSON}; fhirVersion={FHIR_VERSION[:3]}")


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestError)
    response = _response(error.outcome(), error.status)
    if error.status == 503:
        response.headers["Retry-After"] = "5"
    return response


async def _unrouted(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = _CODES.get(error.status_code, "processing")
    text = f"{request.method} {request.url.path} is not known here; see {_base(request)}/metadata"
    response = _response(RequestError(error.status_code, code, text).outcome(), error.status_code)
    response.headers.update(error.headers or {})
    return response


async def _gone(request: Request, error: Exception) -> Response:
    return Response(status_code=400)
