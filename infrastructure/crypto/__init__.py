"""Sealing personal data under one key per person, so that deleting the key erases the data everywhere."""
