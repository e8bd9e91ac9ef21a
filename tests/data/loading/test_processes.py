"""Functions called in processes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ecqm.data.loading.processes import Processes, tell


def doubled(number: int) -> int:
    tell(number)
    return 2 * number


def own_process(_: int) -> int:
    return os.getpid()


def refused(number: int) -> int:
    raise FileNotFoundError(2, "not there", str(number))


class Unspeakable(Exception):
    """An error that cannot be sent to another process."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(one + two)


def unspeakable(_: int) -> int:
    raise Unspeakable("out", "rage")


def test_results_have_the_numbers_of_items(tmp_path: Path) -> None:
    told: list[int] = []
    with Processes(2, tmp_path) as processes:
        assert dict(processes.results(doubled, [3, 1, 2], told.append)) == {0: 6, 1: 2, 2: 4}
        assert processes.map(doubled, range(20)) == list(range(0, 40, 2))
    assert sorted(told) == [1, 2, 3]


def test_processes_are_replaced(tmp_path: Path) -> None:
    with Processes(1, tmp_path, calls=2) as processes:
        used = processes.map(own_process, range(5))
    assert [used.count(each) for each in dict.fromkeys(used)] == [2, 2, 1]


def test_errors_come_back(tmp_path: Path) -> None:
    with Processes(2, tmp_path) as processes, pytest.raises(FileNotFoundError, match="not there") as raised:
        processes.map(refused, [7])
    assert raised.value.filename == "7"
    with Processes(2, tmp_path) as processes, pytest.raises(RuntimeError, match="Unspeakable: outrage"):
        processes.map(unspeakable, [1])


def test_without_work_no_process_is_started(tmp_path: Path) -> None:
    with Processes(2, tmp_path) as processes:
        assert processes.map(doubled, []) == []
    assert list(tmp_path.iterdir()) == []
