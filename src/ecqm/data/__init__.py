"""Patient data: readers of FHIR JSON, the demand they read by, and the cohort of columns that they give.

    demand = Demand.of(["Patient", "Encounter"], ["birthDate", "status", "period", "start", "end"])
    cohort = read_files(paths, demand, codes)          # bundles, resources, NDJSON
    cohort = read_cases(folders, demand, codes)        # a deck: patient i is folder i
    cohort.table("Encounter").element("period")

`cohort.n`, `cohort.ids`, `cohort.table(type)`, `cohort.resolve(references, patients, type)` and `cohort.problems` are
what the engine uses; see `Cohort` and `ResourceTable`.

What is read often is loaded into a cohort store first: `load(paths, output, demand)` of `ecqm.data.loading.load` makes
one, and `open_store(path)` of `ecqm.data.store.store` gives its shards, each of which is read as a cohort:
`shard.cohort(demand, codes)`.
"""

from ecqm.data.cohort.builder import CohortBuilder
from ecqm.data.cohort.cohort import Cohort
from ecqm.data.cohort.elements import ElementNotRead
from ecqm.data.cohort.table import ResourceTable
from ecqm.data.fhir.demand import EVERYTHING, Demand
from ecqm.data.problems import DataError, DataProblem
from ecqm.data.reading.cases import read_cases
from ecqm.data.reading.files import read_files

__all__ = [
    "EVERYTHING",
    "Cohort",
    "CohortBuilder",
    "DataError",
    "DataProblem",
    "Demand",
    "ElementNotRead",
    "ResourceTable",
    "read_cases",
    "read_files",
]
