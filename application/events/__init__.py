"""Commands of Events and venues."""
