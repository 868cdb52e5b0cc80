"""The runner: keeps a projection's tables in step with the log, exactly once, whatever comes in between."""
