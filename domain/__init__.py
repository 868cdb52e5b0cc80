"""The domain: aggregates, domain events, value objects and refusals. Pure: no clock, no random, no I/O."""
