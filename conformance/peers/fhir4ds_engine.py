"""Time fhir4ds on the patients of one measure. Runs in the environment in which fhir4ds is installed.

    python fhir4ds_engine.py CQL_FOLDER LIBRARY VALUE_SETS RESOURCES START END RUNS DEFINE...

Prints one line of JSON: CPU seconds of each run of the measure's SQL, of the translation to SQL, and the members of the
definitions. Loading is not timed.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from time import process_time

import fhir4ds
from fhir4ds.cql import _build_parameterized_query, parse_cql
from fhir4ds.cql.loader import FHIRDataLoader
from fhir4ds.cql.translator import CQLToSQLTranslator


def main() -> None:
    folder, library, value_sets, resources, start, end, runs, *defines = sys.argv[1:]
    connection = fhir4ds.create_connection()
    connection.execute("SET threads = 1")
    loader = FHIRDataLoader(connection)
    loader.load_ndjson(resources)
    loader.load_valuesets([v for v in json.loads(Path(value_sets).read_text()) if v["expansion"]["contains"]])

    started = process_time()
    translator = CQLToSQLTranslator(connection=connection)
    translator.set_library_loader(lambda name: parse_cql(Path(folder, f"{name}.cql").read_text()))
    period = {"Measurement Period": (datetime.fromisoformat(start), datetime.fromisoformat(f"{end[:10]}T23:59:59.999"))}
    columns = {f"population_{n}": define for n, define in enumerate(defines)}
    sql = translator.translate_library_to_population_sql(
        library=parse_cql(Path(folder, f"{library}.cql").read_text()),
        output_columns=columns,
        parameters=period,
        patient_ids=None,
    )
    sql, parameters = _build_parameterized_query(sql, period)
    translation = process_time() - started

    seconds, rows = [], []
    for _ in range(int(runs)):
        started = process_time()
        rows = connection.execute(sql, parameters).fetchall()
        seconds.append(process_time() - started)
    members = [sum(size(row[n + 1]) for row in rows) for n in range(len(defines))]
    print(json.dumps({"patients": len(rows), "setup": translation, "seconds": seconds, "members": members}))


def size(value: object) -> int:
    """The number of members in a value, which is a Boolean or a list of episodes."""
    return len(value) if isinstance(value, list) else int(bool(value))


if __name__ == "__main__":
    main()
