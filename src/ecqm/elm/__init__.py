"""ELM, the executable form of CQL (HL7 Expression Logical Model r1): nodes, documents, and libraries.

    library = read_json(data)                 # or read_xml: an ecqm.elm.nodes.Library
    write_json(library), write_xml(library)   # bytes
    for node in nodes.walk(library): …        # see ecqm.elm.nodes

    source = LibrarySource(data, "name of the file")    # identified now, parsed when needed
    collection = LibraryCollection([source, …], relax_versions=False)
    resolved = collection.resolve(LibraryIdentifier("CMS165FHIRControllingHighBloodPressure", "0.3.000"))
    resolved.main, resolved.libraries, resolved.warnings
    resolved.included(library, "QICoreCommon")          # an IndexedLibrary
        .expressions, .functions, .parameters, .value_sets, .codes, .concepts, .code_systems, .includes, .usings

Errors in a document, and in resolving includes, are ElmErrors that name the library and the place.
"""

from __future__ import annotations

from ecqm.elm.errors import ElmError
from ecqm.elm.head import LibraryHead, read_head
from ecqm.elm.json_reader import read_json
from ecqm.elm.json_writer import write_json
from ecqm.elm.library import IndexedLibrary, LibraryIdentifier
from ecqm.elm.resolution import LibraryCollection, ResolvedLibraries, nearest_version
from ecqm.elm.sources import LibrarySource
from ecqm.elm.xml_reader import read_xml
from ecqm.elm.xml_writer import write_xml

__all__ = [
    "ElmError",
    "IndexedLibrary",
    "LibraryCollection",
    "LibraryHead",
    "LibraryIdentifier",
    "LibrarySource",
    "ResolvedLibraries",
    "nearest_version",
    "read_head",
    "read_json",
    "read_xml",
    "write_json",
    "write_xml",
]
