"""Files: which ones to read, and their bytes, out of archives, compression and XML."""
