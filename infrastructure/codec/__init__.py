"""Domain events and aggregate state as stored bytes, and the contracts that hold their form over the years."""
