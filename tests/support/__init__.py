"""Fixtures and stand-ins that tests of several areas share."""
