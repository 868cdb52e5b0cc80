"""Faults that whoever runs the program must put right."""

from __future__ import annotations


class Fault(Exception):
    """Its text is one clear line for the operator: what is wrong, and where. The command line prints it and ends with `exit_code`."""

    exit_code = 2
