"""Events: the gatherings, and the venues where they happen."""
