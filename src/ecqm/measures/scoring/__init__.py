"""Who is in which population, and the scores that follow: arrays alone, nothing of plans or patients' data."""
