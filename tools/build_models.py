"""Generate the model files of `ecqm.models` from published model definitions (urn:hl7-org:elm-modelinfo:r1).

    python tools/build_models.py FOLDER [--into src/ecqm/models/data]

FOLDER has the definitions as XML. `ecqm.models.layout` describes the layout of model files.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ecqm.models.modelinfo import model_text


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--into", type=Path, default=Path("src/ecqm/models/data"))
    given = arguments.parse_args()
    given.into.mkdir(parents=True, exist_ok=True)
    for source in sorted(given.folder.glob("*.xml")):
        text = model_text(source.read_bytes())
        head, *types = text.split("\n\n")
        _, name, version, _ = head.partition("\n")[0].split("\t")
        target = given.into / f"{name}-{version}.model"
        target.write_text(text, encoding="utf-8")
        print(f"{target.name:24} {target.stat().st_size:8,} bytes  {len(types):4} types")


if __name__ == "__main__":
    main()
