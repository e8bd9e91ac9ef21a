"""`ecqm serve`: measures and CQL as FHIR operations over HTTP."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ecqm.cli.contents import (
    libraries_option,
    manifest_option,
    profiles_option,
    relax_versions_option,
    valuesets_option,
)
from ecqm.cli.examples import examples

if TYPE_CHECKING:
    from ecqm.engine.profiles import ProfileRule

# Commands import what they need when they run, to keep --help fast.

_LOOPBACK = ("127.0.0.1", "localhost")


@click.command(
    "serve",
    epilog=examples(
        "ecqm serve CONTENT",
        "ecqm serve CONTENT --valuesets MORE --data STORE --port 8000",
    ),
)
@click.argument("content", type=click.Path(path_type=Path, exists=True))
@libraries_option
@valuesets_option
@manifest_option
@click.option(
    "--data",
    multiple=True,
    type=click.Path(path_type=Path, exists=True),
    help="Patients for requests that bring none: file, folder or store (may be repeated).",
)
@profiles_option
@relax_versions_option
@click.option("--allow-missing", is_flag=True, help="Evaluate measures without value sets that are missing.")
@click.option("--host", default=_LOOPBACK[0], show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="Port to listen on.")
@click.option("--jobs", type=click.IntRange(1, 64), help="Number of processes; by default the number of cores.")
@click.option(
    "--memory",
    type=click.FloatRange(0.5, 4096.0),
    default=2.0,
    show_default=True,
    help="Memory of each process, in GiB.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0.1, 86400.0),
    default=60.0,
    show_default=True,
    help="Longest time for a request, in seconds.",
)
@click.option(
    "--max-request",
    type=click.IntRange(1, 1024),
    default=16,
    show_default=True,
    help="Largest body of a request, in MiB.",
)
def command(
    content: Path,
    libraries: tuple[Path, ...],
    valuesets: tuple[Path, ...],
    manifest: str | None,
    data: tuple[Path, ...],
    profiles: ProfileRule,
    relax_versions: bool,
    allow_missing: bool,
    host: str,
    port: int,
    jobs: int | None,
    memory: float,
    timeout: float,
    max_request: int,
) -> None:
    """Answer FHIR requests about the measures of CONTENT: Measure/$evaluate-measure, Measure/$evaluate, $cql, and read
    and search of Measure.

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
    from ecqm.cli.contents import open_content
    from ecqm.server.pool import Pool, WorkerRefused
    from ecqm.server.service import Served

    # The workers open the content themselves; here its problems are shown, once.
    open_content(content, libraries, valuesets, manifest)
    served = Served(content, libraries, valuesets, manifest, data, profiles, relax_versions, allow_missing)
    pool = Pool(served, jobs or os.cpu_count() or 1, int(memory * 2**30), timeout)
    hosts = _LOOPBACK if host in _LOOPBACK else ("*",)
    try:
        pool.start()
        settings = uvicorn.Config(
            app(pool, max_request << 20, hosts),
            host=host,
            port=port,
            # URLs may name patients, so requests are not logged.
            access_log=False,
            log_level="info",
            lifespan="off",
            server_header=False,
        )
        uvicorn.Server(settings).run()
    except WorkerRefused as error:
        raise click.ClickException(str(error)) from error
    finally:
        pool.end()
