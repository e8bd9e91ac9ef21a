"""Array functions that know no CQL: segments, merging, ordering, calendar arithmetic. numpy in, numpy out."""
