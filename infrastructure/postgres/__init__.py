"""PostgreSQL: the log, its keys, the pools and the migrations."""
