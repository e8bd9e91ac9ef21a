"""The implementation of `ecqm run`, imported when the command runs."""
