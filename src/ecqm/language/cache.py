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
from ecqm.elm import read_json, write_json
from ecqm.language.compilation import Compilation, Compiled
from ecqm.language.diagnostics import Diagnostic, Span
from ecqm.language.options import CompilerOptions
from ecqm.language.symbols import Declared, Exports, FunctionSymbol, Symbol
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
            stored = msgspec.msgpack.decode((self.folder / f"{key}.elm").read_bytes())
            library = read_json(stored["elm"])
            compilation = Compilation(
                library,
                tuple(map(_read_diagnostic, stored["errors"])),
                tuple(map(_read_diagnostic, stored["warnings"])),
            )
            dependencies = tuple((name, version, source) for name, version, source in stored["dependencies"])
            return Compiled(compilation, _read_exports(stored["exports"])), dependencies
        except (OSError, ValueError, KeyError, TypeError, msgspec.MsgspecError):
            return None

    def store(self, key: str, compiled: Compiled, dependencies: Dependencies) -> None:
        """Store a compilation. Does nothing if the folder cannot be written."""
        compilation = compiled.compilation
        stored = {
            "elm": write_json(compilation.library),
            "errors": [asdict(found) for found in compilation.errors],
            "warnings": [asdict(found) for found in compilation.warnings],
            "exports": _write_exports(compiled.exports),
            "dependencies": dependencies,
        }
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self.folder, delete=False) as file:
                file.write(msgspec.msgpack.encode(stored))
            os.replace(file.name, self.folder / f"{key}.elm")
        except OSError:
            return


# ---------------------------------------------------------------------------------------------- stored forms


def _read_diagnostic(stored: dict[str, Any]) -> Diagnostic:
    return Diagnostic(**{**stored, "span": Span(**stored["span"]), "expected": tuple(stored["expected"])})


def _write_type(type_: CqlType) -> list[Any]:
    match type_:
        case NamedType(model, name):
            return ["named", model, name]
        case ListType(element):
            return ["list", _write_type(element)]
        case IntervalType(point):
            return ["interval", _write_type(point)]
        case ChoiceType(choices):
            return ["choice", *map(_write_type, choices)]
        case TupleType(elements):
            return ["tuple", *([name, _write_type(part)] for name, part in elements)]
    raise TypeError(f"not a CQL type: {type_!r}")


def _read_type(stored: list[Any]) -> CqlType:
    kind, *parts = stored
    match kind:
        case "named":
            return NamedType(*parts)
        case "list":
            return ListType(_read_type(parts[0]))
        case "interval":
            return IntervalType(_read_type(parts[0]))
        case "choice":
            return ChoiceType(tuple(map(_read_type, parts)))
        case "tuple":
            return TupleType(tuple((name, _read_type(part)) for name, part in parts))
    raise ValueError(f"not a stored type: {stored!r}")


def _write_exports(exports: Exports) -> dict[str, Any]:
    return {
        "id": exports.id,
        "version": exports.version,
        "symbols": [
            [symbol.kind.value, symbol.name, _write_type(symbol.type), symbol.public, symbol.context]
            for symbol in exports.symbols.values()
        ],
        "functions": [
            [
                function.name,
                [[name, _write_type(type_)] for name, type_ in function.operands],
                None if function.result is None else _write_type(function.result),
                function.fluent,
                function.public,
                function.external,
            ]
            for overloads in exports.functions.values()
            for function in overloads
        ],
    }


def _read_exports(stored: dict[str, Any]) -> Exports:
    exports = Exports(stored["id"], stored["version"])
    for kind, name, type_, public, context in stored["symbols"]:
        exports.symbols[name] = Symbol(Declared(kind), name, _read_type(type_), public, context)
    for name, operands, result, fluent, public, external in stored["functions"]:
        function = FunctionSymbol(
            name,
            tuple((operand, _read_type(type_)) for operand, type_ in operands),
            None if result is None else _read_type(result),
            fluent,
            public,
            external,
        )
        exports.functions.setdefault(name, []).append(function)
    return exports
