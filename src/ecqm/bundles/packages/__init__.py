"""QDM measure packages: reading, running and comparing them with what a reference engine came to."""
