"""Read models: tables, projectors (record -> row changes), queries, and the runner that keeps the tables in step with the log."""
