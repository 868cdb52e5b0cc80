"""The HTTP interface, and the command line beside it."""
