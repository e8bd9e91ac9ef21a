"""Models that content brings along, for versions that do not come with ecqm.

Content repositories have the definitions of models that are newer than the compiler they were written with, as files of
their own or as FHIR Library resources ("Model Libraries" in the implementation guide Using CQL with FHIR). Drafts of
such definitions leave out what `settled` completes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from ecqm.models.layout import CODE_PATH, ModelFile, ModelFileError, TypeBlock
from ecqm.models.model import Model

FHIR = "http://hl7.org/fhir"
# Models that only come with ecqm: the data layer is made for their versions.
_FIXED = ("System", "FHIR", "QDM")
_MODEL_OF_NAME = re.compile(r"[\t<, ](\w+)\.(?=[A-Za-z])")

_added: dict[tuple[str, str], str] = {}


def add_model(text: str) -> bool:
    """Make a model available in this process, given as the text of a model file. Returns False for one that cannot be
    used, because its instances are not those of FHIR (`targetUrl`). Raises ModelFileError.

    A model of the same name and version that was added before is replaced; one that comes with ecqm still takes
    precedence.
    """
    file = ModelFile.read(text)
    usable = file.name not in _FIXED and file.attribute("targetUrl") == FHIR
    if usable:
        _check_bases(file)
        _added[file.name, file.version] = text
    return usable


def added_models() -> dict[tuple[str, str], str]:
    """The texts of the models that were added, by name and version."""
    return _added


def _check_bases(file: ModelFile) -> None:
    """Raises ModelFileError if a type is derived from itself, directly or indirectly."""
    prefix = f"{file.name}."
    for block in file.types.values():
        bases, above = set[str](), block.base
        while above.startswith(prefix) and (base := file.types.get(above.removeprefix(prefix))) is not None:
            if base.name in bases:
                raise ModelFileError(f"the type {prefix}{base.name} is derived from itself")
            bases.add(base.name)
            above = base.base


def settled(
    file: ModelFile, load: Callable[[str, str], Model], newest_derived: Callable[[str], str | None]
) -> ModelFile:
    """The file of an added model, completed with what its definition leaves to be understood.

    - The models whose types it names are required: FHIR in the only version, others in the newest version with types
      derived from FHIR's.
    - A type derived from one that is not in its model is derived from the type of FHIR with the same name.
    - A type without a code element (`primaryCodePath`) has that of its base.
    - The type of patients is that of the Patient context.
    """
    head = list(file.head)
    required = file.required
    named = set(_MODEL_OF_NAME.findall("\n".join(map(str, file.types.values()))))
    for name in sorted(named - {file.name, "System", *required}):
        version = "4.0.1" if name == "FHIR" else newest_derived(name)
        if version is not None:
            required[name] = version
            head.append(("requires", name, version))
    patient = next((type_ for name, type_, *_ in file.lines("context") if name == "Patient"), None)
    if patient is not None and file.attribute("patientClassName") is None:
        head += [("patientClassName", patient), ("patientBirthDatePropertyName", "birthDate")]
    known = {name: load(name, version) for name, version in required.items()}
    based = {name: _with_known_base(block, known) for name, block in file.types.items()}
    types = {name: _with_code_path(block, file.name, based, known) for name, block in based.items()}
    return replace(file, head=head, types=types)


def _with_known_base(block: TypeBlock, known: Mapping[str, Model]) -> TypeBlock:
    """A block with the base as the model has it that it is of, which may take it from FHIR."""
    model, _, name = block.base.partition(".")
    found = known[model].type(name) if model in known else None
    return block if found is None else replace(block, base=str(found.type))


def _with_code_path(
    block: TypeBlock, model: str, types: Mapping[str, TypeBlock], known: Mapping[str, Model]
) -> TypeBlock:
    """A block with the code element that it inherits, if it can be retrieved and states none."""

    def code_path(type_name: str) -> str | None:
        """The code element of a type, its own or inherited."""
        owner, _, name = type_name.partition(".")
        if owner in known:
            return next((each.primary_code_path for each in known[owner].lineage(name) if each.primary_code_path), None)
        if owner != model or name not in types:
            return None
        return types[name].attributes.get(CODE_PATH) or code_path(types[name].base)

    inherited = code_path(f"{model}.{block.name}") if block.retrievable else None
    return block if inherited is None else replace(block, attributes=block.attributes | {CODE_PATH: inherited})
