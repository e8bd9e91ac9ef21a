"""Test cases: what they expect, compared with what came out."""
