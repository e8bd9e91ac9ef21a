"""A cache of compiled libraries on disk.

The key of an entry is a digest of what the compilation depends on: the source, the options, and the translator. The
entry also records a digest of the source of each included library; it is used only while the resolver still finds the
same sources. An entry is written to a temporary file and moved into place, so readers in other processes see a whole
entry or none, and two writers of one entry write the same content.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from ecqm import models
from ecqm.elm import ElmError, read_json, write_json
from ecqm.language.compilation import Compilation, Compiled
from ecqm.language.diagnostics import Diagnostic
from ecqm.language.options import CompilerOptions
from ecqm.language.symbols import Exports
from ecqm.models.additions import added_models
from ecqm.types import ChoiceType, CqlType, IntervalType, ListType, NamedType, TupleType

Dependencies = tuple[tuple[str, str | None, str], ...]
"""All libraries included directly or indirectly: (name, requested version, digest of the source)."""


def digest(*parts: str) -> str:
    """The SHA-256 of texts; ("ab", "c") and ("a", "bc") have different digests."""
    found = hashlib.sha256()
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        found.update(len(encoded).to_bytes(8, "big"))
        found.update(encoded)
    return found.hexdigest()


@cache
def translator_digest() -> str:
    """A digest of the compiler's code and its models, so that a changed compiler does not use old entries."""
    found = hashlib.sha256()
    package = Path(__file__).parent
    folders = (package, package.parent / "elm", package.parent / "types", Path(str(models.__file__)).parent)
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix in (".py", ".model"):
                found.update(path.read_bytes())
    return found.hexdigest()


class _Entry(msgspec.Struct):
    """What an entry stores: the ELM as JSON, and what including libraries need."""

    elm: bytes
    errors: tuple[Diagnostic, ...]
    warnings: tuple[Diagnostic, ...]
    exports: Exports
    dependencies: Dependencies


def _type(expected: type, stored: Any) -> CqlType:
    """A CQL type from its fields, by which its kind is known. Raises ValueError."""
    if expected is CqlType:
        match stored:
            case {"model": model, "name": name}:
                return NamedType(model, name)
            case {"element": element}:
                return ListType(_type(CqlType, element))
            case {"point": point}:
                return IntervalType(_type(CqlType, point))
            case {"choices": choices}:
                return ChoiceType(tuple(_type(CqlType, choice) for choice in choices))
            case {"elements": elements}:
                return TupleType(tuple((name, _type(CqlType, part)) for name, part in elements))
    raise ValueError(f"not a stored type: {stored!r}")


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Entry, dec_hook=_type).decode


class CompiledCache:
    """Compiled libraries in a folder. Safe for concurrent use by threads and processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def key(self, source: str, options: CompilerOptions) -> str:
        """The key of the entry for a source compiled with these options."""
        return digest(translator_digest(), *added_models().values(), repr(sorted(asdict(options).items())), source)

    def load(self, key: str) -> tuple[Compiled, Dependencies] | None:
        """The entry with this key; None if there is none, or it cannot be read."""
        try:
            entry = _decode((self.folder / f"{key}.elm").read_bytes())
            compilation = Compilation(read_json(entry.elm), entry.errors, entry.warnings)
        except (OSError, msgspec.MsgspecError, ElmError):
            return None
        return Compiled(compilation, entry.exports), entry.dependencies

    def store(self, key: str, compiled: Compiled, dependencies: Dependencies) -> None:
        """Store a compilation. Does nothing if the folder cannot be written."""
        compilation = compiled.compilation
        elm = write_json(compilation.library)
        entry = _Entry(elm, compilation.errors, compilation.warnings, compiled.exports, dependencies)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self.folder, delete=False) as file:
                file.write(_encode(entry))
            os.replace(file.name, self.folder / f"{key}.elm")
        except OSError:
            return
