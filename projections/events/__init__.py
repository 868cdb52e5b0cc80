"""Read models of Events and venues."""
