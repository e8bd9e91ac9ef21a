"""Folders and files on the file systems of Hadoop, for the driver of a Spark session.

Spark reads and writes through these file systems: `hdfs://`, `s3a://`, `abfss://`, `gs://`, `file://` and others, with
the settings and credentials of the session. Tasks have no access to them from Python; they get contents through Spark
(`ecqm.cluster.spark.tasks`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

_ERRORS = {"FileNotFoundException": FileNotFoundError, "AccessControlException": PermissionError}


@dataclass(frozen=True)
class HadoopPath:
    """A file or folder by its URL, in the Spark session of this process, with methods as of `pathlib.Path`.

    All methods raise OSError (FileNotFoundError, PermissionError) with the URL in the message.
    """

    url: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", self.url.rstrip("/"))

    def __str__(self) -> str:
        return self.url

    def __truediv__(self, name: str, /) -> HadoopPath:
        return HadoopPath(f"{self.url}/{name}")

    def is_file(self) -> bool:
        """Whether this is a file."""
        with self._file_system() as (system, path):
            return bool(system.exists(path) and system.getFileStatus(path).isFile())

    def is_dir(self) -> bool:
        """Whether this is a folder."""
        with self._file_system() as (system, path):
            return bool(system.exists(path) and system.getFileStatus(path).isDirectory())

    def mkdir(self) -> None:
        """Make this a folder, unless it is one."""
        with self._file_system() as (system, path):
            system.mkdirs(path)

    def names(self) -> list[str]:
        """The names in this folder in order, without hidden ones (`_SUCCESS`); none if it is not a folder."""
        with self._file_system() as (system, path):
            if not self.is_dir():
                return []
            names = (str(each.getPath().getName()) for each in system.listStatus(path))
            return sorted(name for name in names if not name.startswith((".", "_")))

    def read_bytes(self) -> bytes:
        """The content of a file of some megabytes at most."""
        with self._file_system() as (system, path):
            stream = system.open(path)
            try:
                return bytes(stream.readAllBytes())
            finally:
                stream.close()

    def upload(self, source: Path) -> None:
        """Make this a copy of a local file or folder."""
        with self._file_system() as (system, path):
            # Otherwise the local file system would put a file with checksums beside each file.
            system.setWriteChecksum(False)
            system.delete(path, True)
            system.copyFromLocalFile(False, True, _java_path(f"file://{source.absolute()}"), path)

    def write_bytes(self, content: bytes) -> None:
        """Make this a file with this content, in one step where the file system can rename in one step.

        Only one thread may do this at a time.
        """
        fresh = HadoopPath(f"{self.url}.new")
        with NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            fresh.upload(Path(file.name))
        fresh.replace(self)

    def replace(self, target: HadoopPath) -> None:
        """Move this file or folder to another place on the same file system; what is there is removed."""
        with self._file_system() as (system, path):
            target_path = _java_path(target.url)
            system.delete(target_path, True)
            if not system.rename(path, target_path):
                raise OSError(f"{target}: cannot be written")

    def remove(self) -> None:
        """Remove this file, or folder with all that it has; nothing happens if there is none."""
        with self._file_system() as (system, path):
            system.delete(path, True)

    @contextmanager
    def _file_system(self) -> Iterator[tuple[Any, Any]]:
        """The file system and the path as Java objects; Java exceptions of their methods are raised as OSError."""
        from py4j.protocol import Py4JJavaError
        from pyspark import SparkContext
        from pyspark.errors import PySparkException

        try:
            path = _java_path(self.url)
            yield path.getFileSystem(SparkContext.getOrCreate()._jsc.hadoopConfiguration()), path
        except Py4JJavaError as error:
            cause = error.java_exception
            text = (cause.getMessage() or cause.toString()).splitlines()[0]
            raise _ERRORS.get(cause.getClass().getSimpleName(), OSError)(f"{self}: {text}") from error
        except PySparkException as error:
            # PySpark has classes of its own for some exceptions of Java, such as that of a malformed URL.
            raise OSError(f"{self}: {str(error).splitlines()[0]}") from error


def _java_path(url: str) -> Any:
    from pyspark import SparkContext

    machine: Any = SparkContext.getOrCreate()._jvm
    return machine.org.apache.hadoop.fs.Path(url)
