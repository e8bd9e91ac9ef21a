"""Loading: files into a cohort store, sorted by patient first and then made into shards, in several processes."""
