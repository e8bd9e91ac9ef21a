"""The session of a command."""

from __future__ import annotations

import sys
from typing import Any

from ecqm.cluster.spark import session_on
from ecqm.own_processes import keep_out_pandas
from tests.cluster.spark.standalone import SparkCluster


def test_a_command_that_kept_out_pandas_has_it_for_spark(session: Any, cluster: SparkCluster) -> None:
    finders = list(sys.meta_path)
    keep_out_pandas()
    session_on(cluster.master)
    assert sys.meta_path == finders
