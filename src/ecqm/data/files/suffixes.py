"""Kinds of files by the ends of their names."""

from __future__ import annotations

DOCUMENT_SUFFIXES = (".json", ".json.gz", ".json.zst", ".xml")
# What can be divided at the ends of lines, without unpacking it.
PLAIN_NDJSON_SUFFIXES = (".ndjson", ".jsonl")
NDJSON_SUFFIXES = tuple(suffix + packed for suffix in PLAIN_NDJSON_SUFFIXES for packed in ("", ".gz", ".zst"))
