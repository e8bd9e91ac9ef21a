"""Patient data: readers of FHIR JSON, the demand they read by, and the cohort of columns that they give.

    demand = Demand.of(["Patient", "Encounter"], ["birthDate", "status", "period", "start", "end"])
    cohort = read_files(paths, demand, codes)          # bundles, resources, NDJSON
    cohort = read_cases(folders, demand, codes)        # a deck: patient i is folder i
    cohort.table("Encounter").element("period")

`cohort.n`, `cohort.ids`, `cohort.table(type)`, `cohort.resolve(references, patients, type)` and `cohort.problems` are
what the engine uses; see `Cohort` and `ResourceTable`.

What is to be read often goes into a cohort store first: `ecqm.data.loading.load(paths, output, demand)` makes one, and
`ecqm.data.store.open_store(path)` gives its shards (`shard.cohort(demand, codes)`), each a cohort by itself.
"""

from ecqm.data.cases import read_cases
from ecqm.data.cohort import Cohort, CohortBuilder
from ecqm.data.demand import EVERYTHING, Demand
from ecqm.data.elements import ElementNotRead
from ecqm.data.problems import DataError, DataProblem
from ecqm.data.readers import read_files
from ecqm.data.table import ResourceTable

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
