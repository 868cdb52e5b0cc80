"""Watching the program: figures for Prometheus, traces for OpenTelemetry, the log of slow commands."""
