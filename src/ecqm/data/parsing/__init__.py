"""JSON parsed many resources at a time, into the Arrow arrays of the store."""
