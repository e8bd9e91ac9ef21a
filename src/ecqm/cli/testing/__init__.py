"""The implementation of `ecqm test`. All but the request is imported when the command runs."""
