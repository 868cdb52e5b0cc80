"""Other people's files as commands: pure functions from bytes to rows and to what is wrong with them."""
