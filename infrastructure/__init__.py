"""The outside as this program needs it: PostgreSQL, keys, settings, processes, logs; and the one place that wires everything."""
