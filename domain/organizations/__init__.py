"""Organizations: tenants, their users, API keys and persons."""
