"""Workers: those that hang, die or cannot start, and that no other call notices."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ecqm.server.calls import Answer, Call
from ecqm.server.outcomes import RequestError
from ecqm.server.pool import Pool, WorkerRefused
from ecqm.server.service import Served
from tests.server.samples import SAMPLE, body, bundle, parameters

MEMORY = 1 << 30
# It takes many seconds, and little memory.
SLOW = "(expand Interval[1, 100000]) X aggregate R starting 0: (R + X) mod 1000"


def cql(expression: str) -> Call:
    return Call("cql", body=body(parameters(expression=expression)))


def value(found: Answer) -> Any:
    return json.loads(found.body)["parameter"][0]["valueInteger"]


@pytest.fixture
def pool() -> Iterator[Pool]:
    started = Pool(Served(SAMPLE), 1, MEMORY, limit=1.0)
    started.start()
    yield started
    started.end()


def test_a_worker_that_takes_too_long_is_replaced(pool: Pool) -> None:
    async def calls() -> None:
        assert value(await pool.answer(cql("1 + 1"))) == 2
        with pytest.raises(RequestError, match="more than 1 seconds") as late:
            await pool.answer(cql(SLOW))
        assert late.value.status == 504
        assert value(await pool.answer(cql("2 + 2"))) == 4

    asyncio.run(calls())


def test_a_killed_worker_leaves_no_data_behind(pool: Pool) -> None:
    (worker,) = pool._all
    folder = Path(worker.folder.name)

    async def calls() -> None:
        data = bundle([{"resourceType": "Patient", "id": "a"}])
        slow = asyncio.create_task(pool.answer(Call("cql", body=body(parameters(expression=SLOW, data=data)))))
        await asyncio.sleep(0.5)
        assert [path.name for path in folder.rglob("*.json")] == ["data-1.json"]
        with pytest.raises(RequestError, match="more than 1 seconds"):
            await slow
        assert not folder.exists()

    asyncio.run(calls())


def test_a_worker_that_dies_is_replaced(pool: Pool) -> None:
    async def calls() -> None:
        (worker,) = pool._all
        slow = asyncio.create_task(pool.answer(cql(SLOW)))
        await asyncio.sleep(0.3)
        os.kill(worker.process.pid, signal.SIGKILL)
        with pytest.raises(RequestError, match="died") as dead:
            await slow
        assert dead.value.status == 500
        assert value(await pool.answer(cql("2 + 2"))) == 4

    asyncio.run(calls())


def test_content_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WorkerRefused, match="neither JSON nor CQL"):
        Pool(Served(tmp_path), 1, MEMORY, limit=1.0).start()


def test_a_call_does_not_wait_forever(pool: Pool) -> None:
    async def calls() -> None:
        pool._patience = 0.2
        first = asyncio.create_task(pool.answer(cql(SLOW)))
        await asyncio.sleep(0.1)
        with pytest.raises(RequestError, match="busy") as busy:
            await pool.answer(cql("1"))
        assert busy.value.status == 503
        with pytest.raises(RequestError):
            await first

    asyncio.run(calls())
