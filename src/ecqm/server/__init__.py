"""Measures and CQL as FHIR operations over HTTP (`ecqm serve`).

One process speaks HTTP (`app`) and reads nothing of what it is sent; it hands requests to worker processes (`pool`,
`worker`), each with its own content, plans and data. A worker answers a `Call` with an `Answer` (`operations`).
"""
