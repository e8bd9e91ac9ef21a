"""Populations, strata, observations and scores of groups, from arrays alone: neither plans nor patient data."""
