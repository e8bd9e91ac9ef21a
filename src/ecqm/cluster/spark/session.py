"""The session with a Spark master, and its errors."""

from __future__ import annotations

import os
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ecqm.data import DataError
from ecqm.own_processes import let_in_pandas

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# The last line of a Python traceback, in Spark's message about a task.
_ERROR_OF_TASK = re.compile(r"Traceback[^\n]*\n(?:[ \t][^\n]*\n)+(\S[^\n]*)")
# The Java exception, below the line with the failed call.
_ERROR_OF_JAVA = re.compile(r"\n: ([^\n]+)")
# What it was caused by, such as the file system's reason why a file cannot be read.
_CAUSE = re.compile(r"\nCaused by: [\w.$]*?([\w$]+(?:\([\w.$]+\))?: [^\n]+)")


SETTINGS = {
    # Each process evaluates one task, because strings and codes of all its units stay in its memory.
    "spark.python.worker.reuse": "false",
    "spark.python.daemon.module": "ecqm.cluster.spark.daemon",
}


class TaskError(DataError):
    """A task failed in Python, again and again."""


def session_on(master: str) -> SparkSession:
    """A session on a Spark master (`spark://host:7077`, `local[4]`, `yarn`). DataError without PySpark or Java."""
    let_in_pandas()
    if master.startswith("local"):
        # Tasks run on this machine, with the packages of this process; Spark would take the first `python3` it finds.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise DataError("Spark needs PySpark: pip install ecqm[spark]") from error
    builder = SparkSession.builder.master(master).appName("ecqm").config("spark.ui.showConsoleProgress", "false")
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    with spark_errors():
        return builder.getOrCreate()


@contextmanager
def spark_errors() -> Iterator[None]:
    """Turn Spark's exceptions into DataErrors: TaskError with the Python error of a failed task if there is one.

    Suppresses PySpark's warnings about the versions of libraries that are not used here.
    """
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            yield
    except (Py4JError, PySparkException) as error:
        text = str(error)
        if of_task := _ERROR_OF_TASK.search(text):
            raise TaskError(f"Spark: {of_task[1]}") from error
        of_java = _ERROR_OF_JAVA.search(text)
        causes = _CAUSE.findall(text)
        message = of_java[1] if of_java else text.splitlines()[0]
        raise DataError(f"Spark: {message}{f' ({causes[-1]})' if causes else ''}") from error
