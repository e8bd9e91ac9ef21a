"""`ecqm serve`: measures and CQL as FHIR operations over HTTP."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ecqm.cli.contents import ContentOptions
from ecqm.cli.examples import examples
from ecqm.cli.options import EXISTING, data_option, profiles_option, relax_versions_option
from ecqm.cli.parameters import group, option, takes

if TYPE_CHECKING:
    from ecqm.engine.profiles import ProfileRule

# Commands import what they need when they run, to keep --help fast.

_LOOPBACK = ("127.0.0.1", "localhost")
_MOST_CONNECTIONS = 64
_SECONDS_TO_END = 5


@dataclass(frozen=True)
class ServeRequest:
    """The arguments of `ecqm serve`."""

    content: ContentOptions = group(ContentOptions)
    data: tuple[Path, ...] = data_option(
        type=EXISTING, help="Patients for requests that bring none: file, folder or store (may be repeated)."
    )
    profiles: ProfileRule = profiles_option()
    relax_versions: bool = relax_versions_option()
    allow_missing: bool = option(
        "--allow-missing", is_flag=True, help="Evaluate measures without value sets that are missing."
    )
    host: str = option("--host", default=_LOOPBACK[0], show_default=True, help="Address to listen on.")
    port: int = option(
        "--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="Port to listen on."
    )
    jobs: int | None = option(
        "--jobs", type=click.IntRange(1, 64), help="Number of processes; by default the number of cores."
    )
    memory: float = option(
        "--memory",
        type=click.FloatRange(0.5, 4096.0),
        default=2.0,
        show_default=True,
        help="Memory of each process, in GiB.",
    )
    timeout: float = option(
        "--timeout",
        type=click.FloatRange(0.1, 86400.0),
        default=60.0,
        show_default=True,
        help="Longest time for a request, in seconds.",
    )
    max_request: int = option(
        "--max-request",
        type=click.IntRange(1, 1024),
        default=16,
        show_default=True,
        help="Largest body of a request, in MiB.",
    )


@click.command(
    "serve",
    epilog=examples(
        "ecqm serve CONTENT",
        "ecqm serve CONTENT --valuesets MORE --data STORE --port 8000",
    ),
)
@takes(ServeRequest)
def command(request: ServeRequest) -> None:
    """Answer FHIR requests about the measures of CONTENT over HTTP: Measure/$evaluate-measure, $evaluate and
    $data-requirements, Library/$evaluate, $cql, and read and search of Measure.

    Patients come with the request, as a Bundle, or from --data. There is neither encryption nor login: by default the
    server listens on this machine alone; for others, put it behind a proxy that has both.

    Needs the extra: pip install 'ecqm[server]'. Ctrl-C ends the server.
    """
    try:
        import uvicorn

        from ecqm.server.app import app
    except ModuleNotFoundError as error:
        if error.name not in ("uvicorn", "starlette"):
            raise
        raise click.ClickException("the server needs more packages: pip install 'ecqm[server]'") from error
    from ecqm.server.pool import Pool, WorkerRefused
    from ecqm.server.service import Served

    # The workers open the content themselves; here its problems are shown, once.
    content = request.content
    content.open()
    served = Served(
        content.path,
        content.libraries,
        content.valuesets,
        content.manifest,
        request.data,
        request.profiles,
        request.relax_versions,
        request.allow_missing,
    )
    pool = Pool(served, request.jobs or os.cpu_count() or 1, int(request.memory * 2**30), request.timeout)
    hosts = _LOOPBACK if request.host in _LOOPBACK else ("*",)
    try:
        pool.start()
        settings = uvicorn.Config(
            app(pool, request.max_request << 20, hosts),
            host=request.host,
            port=request.port,
            # URLs may name patients, so requests are not logged.
            access_log=False,
            log_level="info",
            lifespan="on",
            server_header=False,
            # Each connection may hold a body of the largest size.
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_graceful_shutdown=_SECONDS_TO_END,
        )
        uvicorn.Server(settings).run()
    except WorkerRefused as error:
        raise click.ClickException(str(error)) from error
    finally:
        pool.end()
