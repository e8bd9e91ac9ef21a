"""The cache of compiled libraries."""

from __future__ import annotations

from pathlib import Path

from ecqm.elm import nodes
from ecqm.language import CompiledCache, Compiler


def test_the_cache_follows_content_and_options(tmp_path: Path) -> None:
    libraries = {"Inner": "library Inner define A: 1", "Outer": "library Outer include Inner define B: Inner.A"}

    def compiled() -> nodes.Library:
        compilation = Compiler(lambda name, _: libraries.get(name), cache=CompiledCache(tmp_path)).library("Outer")
        assert compilation is not None and compilation.ok
        return compilation.library

    first = compiled()
    assert len(list(tmp_path.glob("*.elm"))) == 2
    assert nodes.bare(compiled()) == nodes.bare(first)
    libraries["Inner"] = "library Inner define A: 'text'"
    compiled()
    assert len(list(tmp_path.glob("*.elm"))) == 3, "the outer entry is replaced, the inner one is new"
    for path in tmp_path.glob("*.elm"):
        path.write_bytes(b"not an entry")
    assert nodes.bare(compiled()) == nodes.bare(first)
