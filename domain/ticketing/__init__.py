"""Ticketing: box office, quotas, orders."""
