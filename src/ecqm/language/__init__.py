"""CQL to ELM.

    compilation = compile_library(source, resolver=find_source, options=CompilerOptions(locators=True))
    compilation.library, compilation.errors, compilation.warnings
    compile_expression("1 + 1").library          # a library that defines `Expression`

    compiler = Compiler(resolver, options)       # for many libraries that include each other
    compiler.library("QICoreCommon", "4.0.000")  # compiled once, found by the resolver

    Compiler(resolver, options, CompiledCache(folder))   # reuses libraries compiled earlier, kept in the folder

A resolver is a function from the name and version of a library to its source, or None.
"""

from __future__ import annotations

from ecqm.language.cache import CompiledCache
from ecqm.language.compilation import Compilation
from ecqm.language.compiler import (
    EXPRESSION_NAME,
    Compiler,
    SourceResolver,
    compile_expression,
    compile_library,
)
from ecqm.language.diagnostics import Diagnostic, Span
from ecqm.language.options import CompilerOptions, SignatureLevel

__all__ = [
    "EXPRESSION_NAME",
    "Compilation",
    "CompiledCache",
    "Compiler",
    "CompilerOptions",
    "Diagnostic",
    "SignatureLevel",
    "SourceResolver",
    "Span",
    "compile_expression",
    "compile_library",
]
