"""Why results cannot be submitted."""


class SubmissionError(ValueError):
    """Results that cannot be submitted as they are, or not for the stated submitter; the message gives the reason."""
