"""Commands of organizations, users, persons and API keys."""
