"""Files and folders on a file system of Hadoop behave as those of `pathlib`."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecqm.cluster.spark.hadoop import HadoopPath
from tests.cluster.spark.webhdfs import WebHdfs


def test_a_file(elsewhere: WebHdfs) -> None:
    folder = HadoopPath(elsewhere.url + "/folder/")
    file = folder / "file"
    assert str(file) == f"{elsewhere.url}/folder/file" and not file.is_file() and not folder.is_dir()
    for content in (b"\x00one", b"", b"another"):
        file.write_bytes(content)
        assert file.read_bytes() == content
    assert file.is_file() and not file.is_dir() and folder.is_dir() and not folder.is_file()
    assert elsewhere.files == {"/folder/file": b"another"}
    file.remove()
    file.remove()
    assert not elsewhere.files


def test_a_folder(elsewhere: WebHdfs, tmp_path: Path) -> None:
    (tmp_path / "a folder" / "inside").mkdir(parents=True)
    (tmp_path / "a folder" / "inside" / "file").write_text("content", "utf-8")
    first, second = (HadoopPath(elsewhere.url) / name for name in ("first", "second"))
    (second / "earlier").write_bytes(b"earlier")
    first.upload(tmp_path / "a folder")
    first.replace(second)
    assert elsewhere.files == {"/second/inside/file": b"content"}


def test_errors(elsewhere: WebHdfs) -> None:
    file = HadoopPath(elsewhere.url) / "file"
    with pytest.raises(FileNotFoundError, match=f"^{file}: File does not exist: /file$"):
        file.read_bytes()
    with pytest.raises(OSError, match=f"^{file}: cannot be written$"):
        (file / "nothing").replace(file)
    file.write_bytes(b"content")
    elsewhere.forbidden.add("/file")
    with pytest.raises(PermissionError, match="Permission denied: /file"):
        file.read_bytes()
    for url in ("unknown://host/file", "hdfs://:x:/file"):
        with pytest.raises(OSError, match=url):
            HadoopPath(url).is_file()


def test_local_files_have_no_files_of_checksums_beside_them(elsewhere: WebHdfs, tmp_path: Path) -> None:
    (HadoopPath(f"file://{tmp_path}") / "file").write_bytes(b"content")
    assert [file.name for file in tmp_path.iterdir()] == ["file"]
