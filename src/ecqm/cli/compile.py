"""`ecqm compile`: CQL to ELM."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ecqm.cli.examples import examples
from ecqm.cli.failures import in_words
from ecqm.cli.formats import format_option

if TYPE_CHECKING:
    from ecqm.language import Compilation, Compiler, Diagnostic
    from ecqm.language.sources import SourceIndex

# Commands import what they need when they run, to keep --help fast.

_WIDEST_EXCERPT = 160
_RESOURCES = Path("input", "resources", "library")


@click.command(
    "compile",
    epilog=examples(
        "ecqm compile input/cql --output elm --libraries CONTENT",
        "ecqm compile MyMeasure.cql --annotations --format xml > MyMeasure.xml",
    ),
)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option(
    "--libraries",
    "--content",
    "content",
    multiple=True,
    type=click.Path(path_type=Path, exists=True),
    help="Where to look for included libraries, besides the folders of PATHS (may be repeated).",
)
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), help="Folder to write ELM files to.")
@format_option("json", "xml", of="ELM")
@click.option("--annotations", is_flag=True, help="Add the source text of each definition, linked to its nodes.")
@click.option("--locators", is_flag=True, help="Add the source location of each node.")
@click.option("--result-types", is_flag=True, help="Add the type of each node.")
@click.option(
    "--signatures",
    type=click.Choice(["none", "differing", "overloads", "all"], case_sensitive=False),
    default="overloads",
    show_default=True,
    help="Which calls record the operand types of their overload.",
)
@click.option(
    "--cache", type=click.Path(path_type=Path, file_okay=False), help="Folder to cache compiled libraries in."
)
def command(
    paths: tuple[Path, ...],
    content: tuple[Path, ...],
    output: Path | None,
    form: str,
    annotations: bool,
    locators: bool,
    result_types: bool,
    signatures: str,
    cache: Path | None,
) -> None:
    """Compile CQL files, or all CQL files in folders, to ELM.

    One file without --output is written to standard output. Errors and warnings go to standard error, as
    FILE:LINE:COLUMN; exits 1 if there are errors, 2 if a file cannot be read.
    """
    from ecqm.elm import ElmError
    from ecqm.language import CompiledCache, Compiler, CompilerOptions, SignatureLevel
    from ecqm.language.sources import cql_files, read_source

    files = [file for path in paths for file in cql_files(path)]
    if not files:
        raise click.UsageError("there is no .cql file in " + ", ".join(map(str, paths)))
    if output is None and len(files) > 1:
        raise click.UsageError("more than one file: say with --output where to write their ELM")
    written: dict[str, Path] = {}
    for file in files:
        if (other := written.setdefault(file.stem, file)) != file:
            raise click.UsageError(
                f"{other} and {file} have the same name, and so would their ELM: compile one at a time"
            )
    level = next(level for level in SignatureLevel if level.value.lower() == signatures)
    options = CompilerOptions(annotations, locators, result_types, level)
    sources = _sources(paths, content)
    compiler = Compiler(sources, options, None if cache is None else CompiledCache(cache))
    for error in sources.unreadable.values():
        click.echo(f"ecqm: {in_words(error)}", err=True)
    unreadable = sources.unreadable.keys() & set(files)
    failed = len(unreadable)
    for file in files:
        if file in unreadable:
            continue
        text = read_source(file)
        try:
            compilation = _compile(compiler, sources, file, text)
            for found in (*compilation.errors, *compilation.warnings):
                click.echo(_render(found, file, text), err=True)
            if compilation.errors:
                failed += 1
            else:
                _write(compilation, file, output, form)
        except ElmError as refused:
            click.echo(f"{file}: error: {refused}", err=True)
            failed += 1
    if len(files) > 1:
        click.echo(f"{len(files) - failed} of {len(files)} libraries compiled", err=True)
    sys.exit(2 if unreadable else int(failed > 0))


def _sources(paths: tuple[Path, ...], content: tuple[Path, ...]) -> SourceIndex:
    """Where included libraries are looked up: the given files and their folders, then further libraries."""
    from ecqm.language.sources import index

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
    from ecqm.models import ModelFileError
    from ecqm.models.additions import add_model
    from ecqm.models.modelinfo import model_text
    from ecqm.xml_parsing import UnsafeDocument

    for file in sorted(folder.rglob("*modelinfo*.xml")):
        try:
            add_model(model_text(file.read_bytes()))
        except (ModelFileError, UnsafeDocument) as error:
            click.echo(f"ecqm: warning: {file} is not a model definition: {error}", err=True)


def _compile(compiler: Compiler, sources: SourceIndex, file: Path, text: str) -> Compilation:
    """The compilation of a file; if it was already compiled as an included library, that one."""
    from ecqm.language.sources import library_header

    header = library_header(text)
    if header is not None and (known := sources.sources.get(header)) is not None and known.path == file:
        compilation = compiler.library(*header)
        if compilation is not None:
            return compilation
    return compiler.compile_library(text)


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


def _write(compilation: Compilation, file: Path, output: Path | None, form: str) -> None:
    from ecqm.elm import write_json, write_xml

    if form == "json":
        data = write_json(compilation.library, indent=2)
    else:
        data = write_xml(compilation.library)
    if output is None:
        click.echo(data.rstrip(b"\n"))
        return
    output.mkdir(parents=True, exist_ok=True)
    (output / f"{file.stem}.{form}").write_bytes(data)
