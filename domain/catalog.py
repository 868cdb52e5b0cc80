"""Imports every aggregate, so that all event types are registered."""
