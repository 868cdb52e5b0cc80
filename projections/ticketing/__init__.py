"""Ticketing: categories, pools and orders as rows."""
