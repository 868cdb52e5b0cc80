"""Commands and their pure handlers, access rules, policies, and the command bus that runs them against the log."""
