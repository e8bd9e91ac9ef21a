"""A loss of power: what a journal or a manifest says is there is on disk, so that a load goes on from there.

Power is cut by taking away from files what nobody waited for to be on disk. Names of files survive, as they may.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ecqm.data.loading import partition
from ecqm.data.problems import DataError
from tests.data.stores import content_of, export, load_small


class Disk:
    """What of each file is on disk: its content when `fsync` was last called."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._settled: dict[int, bytes] = {}
        self._fsync = os.fsync
        monkeypatch.setattr(os, "fsync", self._settle)

    def _settle(self, descriptor: int) -> None:
        self._fsync(descriptor)
        path = Path(f"/proc/self/fd/{descriptor}")
        if path.is_file():
            self._settled[path.stat().st_ino] = path.read_bytes()

    def lose(self, folder: Path) -> int:
        """Make the files of a folder what is on disk of them; how many of them lose something."""
        lost = 0
        for path in filter(Path.is_file, folder.rglob("*")):
            settled = self._settled.get(path.stat().st_ino, b"")
            if settled != path.read_bytes():
                lost += 1
                # In place: the file may have another name as well.
                path.write_bytes(settled)
        return lost


class PowerCut(Exception):
    pass


class Cut:
    """Cuts the power after so many steps of a load."""

    def __init__(self, steps: int) -> None:
        self._left = steps

    def step(self) -> None:
        self._left -= 1
        if not self._left:
            raise PowerCut

    def sorted(self, size: int, total: int) -> None:
        self.step()

    def built(self, shards: int) -> None:
        self.step()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="the system does not show files by their descriptors")
def test_a_load_goes_on_after_a_loss_of_power(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, store = export(tmp_path / "in"), tmp_path / "store"
    load_small(source, tmp_path / "whole")
    disk = Disk(monkeypatch)
    monkeypatch.setattr(partition, "_BETWEEN_NOTES", 15_000)
    monkeypatch.setattr(partition, "_HELD_BACK", 1)
    monkeypatch.setattr(partition, "_GOOD_BLOCK", 1)
    losses = 0
    for steps in (3, 4, 5, 2, 1, 3, 4):
        with pytest.raises(PowerCut):
            load_small(source, store, watcher=Cut(steps))
        losses += disk.lose(store)
        with pytest.raises(DataError):
            content_of(store)
    load_small(source, store)
    assert losses
    assert content_of(store) == content_of(tmp_path / "whole")
    disk.lose(store)
    assert content_of(store) == content_of(tmp_path / "whole")
