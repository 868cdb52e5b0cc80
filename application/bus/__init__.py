"""The command bus: decides commands in memory, commits them in groups, and keeps its aggregates in step with the log."""
