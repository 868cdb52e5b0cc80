"""Benchmarks: each measures the system beside its baseline in the same run (`stagebook bench <name>`; figures in `docs/benchmarks.md`)."""
