"""A typed client of Stagebook's HTTP API. See README.md beside this file."""

from client import commands, replies, rows
from client.base import Command, Reply
from client.changes import Changes, Deleted
from client.errors import FieldError, NoAnswer, NotUnderstood, Problem, StagebookError
from client.operations import Operation
from client.queries import Page, Step
from client.rows import Row
from client.stagebook import Stagebook
from client.transport import Retries

__all__ = [
    "Changes",
    "Command",
    "Deleted",
    "FieldError",
    "NoAnswer",
    "NotUnderstood",
    "Operation",
    "Page",
    "Problem",
    "Reply",
    "Retries",
    "Row",
    "Stagebook",
    "StagebookError",
    "Step",
    "commands",
    "replies",
    "rows",
]
