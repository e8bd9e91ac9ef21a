"""The implementation of `ecqm run`. All but the request is imported when the command runs."""
