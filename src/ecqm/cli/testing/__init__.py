"""The implementation of `ecqm test`, imported when the command runs."""
