"""Test cases: what is expected of them, and how far results agree."""
