"""The process of a Spark executor that forks a Python process for each task (`spark.python.daemon.module`).

It imports what all tasks need. Otherwise, each task would spend most of a CPU second on imports.
"""

from pyspark import worker
from pyspark.daemon import manager

from ecqm.cluster.spark import tasks

__all__ = ["manager", "tasks", "worker"]

if __name__ == "__main__":
    manager()
