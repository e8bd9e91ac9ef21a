"""Array functions that know no CQL: segments and keys, calendar arithmetic, ISO 8601 parsing. numpy in, numpy out."""
