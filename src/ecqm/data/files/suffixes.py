"""The suffixes of files of data."""

from __future__ import annotations

DOCUMENT_SUFFIXES = (".json", ".json.gz", ".json.zst", ".xml")
# Files that can be divided at line ends without unpacking them.
PLAIN_NDJSON_SUFFIXES = (".ndjson", ".jsonl")
NDJSON_SUFFIXES = tuple(suffix + packed for suffix in PLAIN_NDJSON_SUFFIXES for packed in ("", ".gz", ".zst"))
