"""Files are written whole or not at all; links and devices are written to as they are."""

from __future__ import annotations

import os
import zlib
from pathlib import Path

import pytest

from ecqm.data.writing import checksum_of, replace_file, replacing


def test_a_file_that_cannot_be_written_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "file"
    replace_file(path, b"before")
    with pytest.raises(IsADirectoryError), replacing(path) as fresh:
        tmp_path.write_bytes(fresh.name.encode())
    assert path.read_bytes() == b"before" and list(tmp_path.iterdir()) == [path]


def test_links_stay_links(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    link.symlink_to(file)
    for content in (b"longer content", b"content"):
        replace_file(link, content)
        assert link.is_symlink() and file.read_bytes() == content


def test_devices_stay_devices(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    replace_file(pipe, b"content")
    assert os.read(reader, 100) == b"content" and pipe.is_fifo()
    os.close(reader)


def test_checksums_of_files_of_any_size(tmp_path: Path) -> None:
    path = tmp_path / "file"
    content = os.urandom(3_000_000)
    path.write_bytes(content)
    assert checksum_of(path) == zlib.crc32(content)
