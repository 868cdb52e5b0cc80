"""Read models of organizations, users and API keys."""
