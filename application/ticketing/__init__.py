"""Ticketing: commands on box offices and orders, and the stock that they share."""
