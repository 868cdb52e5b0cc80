"""The command line `stagebook`."""
