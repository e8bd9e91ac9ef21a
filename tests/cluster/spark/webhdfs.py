"""A file system that is only reachable through HTTP: the part of the WebHDFS REST API that Hadoop's client uses here.

Its files are in the memory of this process, so no path leads to them.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

_API = "/webhdfs/v1"
_ERRORS: dict[str, tuple[int, str]] = {
    "FileNotFoundException": (404, "java.io.FileNotFoundException"),
    "AccessControlException": (403, "org.apache.hadoop.security.AccessControlException"),
}


class _Refusal(Exception):
    """An error of the file system: the name of the Java exception, and its message."""


@dataclass
class WebHdfs:
    """The files by path, and what happened to them. Folders exist as long as they have files.

    `forbidden` files cannot be read.
    """

    url: str
    files: dict[str, bytes] = field(default_factory=dict)
    read: list[str] = field(default_factory=list)
    forbidden: set[str] = field(default_factory=set)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def put(self, folder: Path, path: str) -> str:
        """Copy a local folder; gives its URL."""
        for file in folder.rglob("*"):
            if file.is_file():
                self.files[f"{path}/{file.relative_to(folder)}"] = file.read_bytes()
        return self.url + path

    def get(self, path: str, folder: Path) -> Path:
        """Copy to a local folder that does not exist; gives the folder."""
        for name, content in self.below(path).items():
            target = folder / name.removeprefix(f"{path}/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        return folder

    def below(self, path: str) -> dict[str, bytes]:
        """The files in a folder, and below it."""
        with self._lock:
            return {name: content for name, content in self.files.items() if name.startswith(f"{path.rstrip('/')}/")}

    def answer(self, operation: str, path: str, parameters: dict[str, str]) -> dict[str, Any]:
        """The answer to a request without content."""
        with self._lock:
            match operation:
                case "GETFILESTATUS":
                    return {"FileStatus": self._status(path)}
                case "LISTSTATUS":
                    return {"FileStatuses": {"FileStatus": self._list(path)}}
                case "LISTSTATUS_BATCH":
                    listing = {"FileStatuses": {"FileStatus": self._list(path)}}
                    return {"DirectoryListing": {"partialListing": listing, "remainingEntries": 0}}
                case "GETFILEBLOCKLOCATIONS":
                    return {"BlockLocations": {"BlockLocation": []}}
                case "MKDIRS":
                    return {"boolean": True}
                case "DELETE":
                    gone = [name for name in (path, *self.below(path)) if name in self.files]
                    for name in gone:
                        del self.files[name]
                    return {"boolean": bool(gone)}
                case "RENAME":
                    moved = {path: self.files[path]} if path in self.files else self.below(path)
                    for name, content in moved.items():
                        self.files[parameters["destination"] + name.removeprefix(path)] = content
                        del self.files[name]
                    return {"boolean": bool(moved)}
        raise _Refusal("UnsupportedOperationException", operation)

    def content(self, path: str, offset: int) -> bytes:
        """The content of a file."""
        if path in self.forbidden:
            raise _Refusal("AccessControlException", f"Permission denied: {path}")
        if path not in self.files:
            raise _Refusal("FileNotFoundException", f"File does not exist: {path}")
        self.read.append(path)
        return self.files[path][offset:]

    def _status(self, path: str, name: str = "") -> dict[str, Any]:
        if path not in self.files and path != "/" and not self.below(path):
            raise _Refusal("FileNotFoundException", f"File does not exist: {path}")
        size = len(self.files.get(path, b""))
        return {
            "pathSuffix": name, "type": "FILE" if path in self.files else "DIRECTORY", "length": size,
            "owner": "tests", "group": "tests", "permission": "755", "accessTime": 0, "modificationTime": 0,
            "blockSize": 1 << 27, "replication": 1, "childrenNum": 0, "fileId": 0, "storagePolicy": 0,
        }  # fmt: skip

    def _list(self, path: str) -> list[dict[str, Any]]:
        if path in self.files:
            return [self._status(path)]
        folder = path.rstrip("/")
        names = sorted({name.removeprefix(f"{folder}/").partition("/")[0] for name in self.below(path)})
        return [self._status(f"{folder}/{name}", name) for name in names]


@contextmanager
def web_hdfs() -> Iterator[WebHdfs]:
    """An empty file system on a port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        do_PUT = do_DELETE = do_GET

        def log_message(self, *_: object) -> None:
            """Nothing is logged."""

        def _answer(self) -> None:
            address = urlsplit(self.path)
            path = unquote(address.path).removeprefix(_API)
            parameters = {name.lower(): values[0] for name, values in parse_qs(address.query).items()}
            operation = parameters["op"].upper()
            try:
                if operation in ("OPEN", "CREATE") and "here" not in parameters:
                    # A server refers the client to another one, which has the content.
                    self._send(307, b"", Location=f"http://{self.headers['Host']}{self.path}&here=true")
                elif operation == "OPEN":
                    self._send(200, system.content(path, int(parameters.get("offset", 0))))
                elif operation == "CREATE":
                    system.files[path] = self._received()
                    self._send(201, b"")
                else:
                    self._send(200, json.dumps(system.answer(operation, path, parameters)).encode())
            except _Refusal as refusal:
                name, message = refusal.args
                status, class_name = _ERRORS.get(name, (400, f"java.lang.{name}"))
                error = {"exception": name, "javaClassName": class_name, "message": message}
                self._send(status, json.dumps({"RemoteException": error}).encode())

        def _received(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))
            content = b""
            while size := int(self.rfile.readline(), 16):
                content += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return content

        def _send(self, status: int, content: bytes, **headers: str) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            # No Content-Type: Hadoop 3.5, as Spark has it, lacks a class that it needs to understand one.
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        system = WebHdfs(f"webhdfs://127.0.0.1:{server.server_address[1]}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield system
        server.shutdown()
