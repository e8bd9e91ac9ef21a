"""Populations, strata, observations and scores of groups, from arrays alone: nothing here knows plans or patient data."""
