"""The implementation of `ecqm load`. All but the request is imported when the command runs."""
