"""Compiling files for `ecqm compile`: where included libraries are found, and what is written of each file."""

from __future__ import annotations

from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ecqm.cli.failures import in_words
from ecqm.cli.terminal import warn
from ecqm.elm import ElmError, write_json, write_xml
from ecqm.language import Compilation, CompiledCache, Compiler, CompilerOptions, Diagnostic, SignatureLevel
from ecqm.language.sources import SourceIndex, index, library_header, read_source
from ecqm.models import ModelFileError
from ecqm.models.additions import add_model
from ecqm.models.modelinfo import model_text
from ecqm.xml_parsing import UnsafeDocument

if TYPE_CHECKING:
    from ecqm.cli.compile import CompileRequest

_WIDEST_EXCERPT = 160
_RESOURCES = Path("input", "resources", "library")


class Outcome(Enum):
    """What became of a file."""

    COMPILED = auto()
    ERRORS = auto()
    UNREADABLE = auto()


class FileCompiler:
    """Compiles files, each with what it includes; errors and warnings are written to standard error."""

    def __init__(self, request: CompileRequest) -> None:
        self._request = request
        self._sources = _sources(request)
        level = next(level for level in SignatureLevel if level.value.lower() == request.signatures)
        options = CompilerOptions(request.annotations, request.locators, request.result_types, level)
        cache = None if request.cache is None else CompiledCache(request.cache)
        self._compiler = Compiler(self._sources, options, cache)
        for error in self._sources.unreadable.values():
            click.echo(f"ecqm: {in_words(error)}", err=True)

    def compile(self, file: Path) -> Outcome:
        """Compile a file, and write its ELM if it has no errors."""
        if file in self._sources.unreadable:
            return Outcome.UNREADABLE
        text = read_source(file)
        try:
            compilation = self._compilation(file, text)
            for found in (*compilation.errors, *compilation.warnings):
                click.echo(_render(found, file, text), err=True)
            if compilation.errors:
                return Outcome.ERRORS
            self._write(compilation, file)
        except ElmError as refused:
            click.echo(f"{file}: error: {refused}", err=True)
            return Outcome.ERRORS
        return Outcome.COMPILED

    def _compilation(self, file: Path, text: str) -> Compilation:
        """The compilation of a file; if it was already compiled as an included library, that one."""
        header = library_header(text)
        if header is not None and (known := self._sources.sources.get(header)) is not None and known.path == file:
            compilation = self._compiler.library(*header)
            if compilation is not None:
                return compilation
        return self._compiler.compile_library(text)

    def _write(self, compilation: Compilation, file: Path) -> None:
        as_json, output = self._request.format == "json", self._request.output
        data = write_json(compilation.library, indent=2) if as_json else write_xml(compilation.library)
        if output is None:
            click.echo(data.rstrip(b"\n"))
            return
        output.mkdir(parents=True, exist_ok=True)
        (output / f"{file.stem}.{self._request.format}").write_bytes(data)


def _sources(request: CompileRequest) -> SourceIndex:
    """Where included libraries are looked up: the given files and their folders, then further libraries."""
    paths, content = request.paths, request.content
    found = index(paths)
    for folder in dict.fromkeys(path.parent for path in paths if not path.is_dir()):
        found.add(folder, below=False)
    for folder in content:
        found.add(folder)
    for folder in content:
        resources = folder / _RESOURCES
        found.add_resources(resources if resources.is_dir() else folder)
    for folder in dict.fromkeys((*content, *(path if path.is_dir() else path.parent for path in paths))):
        _add_models(folder)
    return found


def _add_models(folder: Path) -> None:
    """Make the models that are defined in a folder available, as `NAME-modelinfo-VERSION.xml`."""
    for file in sorted(folder.rglob("*modelinfo*.xml")):
        try:
            add_model(model_text(file.read_bytes()))
        except (ModelFileError, UnsafeDocument) as error:
            warn(f"{file} is not a model definition: {error}")


def _render(found: Diagnostic, file: Path, text: str) -> str:
    """A message with the line of the source, and a mark under the place."""
    lines = text.splitlines()
    message = found.render(str(file))
    if not 0 < found.span.line <= len(lines):
        return message
    line = lines[found.span.line - 1]
    start = found.span.column - 1
    end = found.span.end_column if found.span.end_line == found.span.line else len(line)
    mark = "".join("\t" if char == "\t" else " " for char in line[:start]) + "^" * max(end - start, 1)
    return f"{message}\n    {line[:_WIDEST_EXCERPT]}\n    {mark[:_WIDEST_EXCERPT]}"
