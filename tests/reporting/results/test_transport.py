"""Parts that are sent to another machine arrive as they were."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from ecqm.reporting.results.transport import packed_part, unpack_part


def test_a_part_arrives_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    files = {".json": b"{}", ".parquet": bytes(range(256)) * 1000, ".ndjson": b""}
    for suffix, content in files.items():
        (tmp_path / f"00007{suffix}").write_bytes(content)
    (tmp_path / "00008.json").write_bytes(b"of another part")
    packed = packed_part(tmp_path / "00007")
    assert len(packed) < 10_000
    unpack_part(packed, tmp_path / "there" / "00042")
    assert {file.name: file.read_bytes() for file in (tmp_path / "there").iterdir()} == {
        f"00042{suffix}": content for suffix, content in files.items()
    }


def test_a_part_that_arrived_in_part_is_not_finished(tmp_path: Path) -> None:
    for suffix in (".json", ".parquet"):
        (tmp_path / f"00007{suffix}").write_bytes(bytes(range(256)))
    packed = packed_part(tmp_path / "00007")
    (tmp_path / "there").mkdir()
    with pytest.raises((OSError, tarfile.TarError)):
        unpack_part(packed[: len(packed) // 2], tmp_path / "there" / "00007")
    assert not (tmp_path / "there" / "00007.json").exists()
