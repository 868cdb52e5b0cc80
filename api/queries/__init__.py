"""Reading over HTTP: lists, single rows, their history and their past, derived from the tables of the read model."""
