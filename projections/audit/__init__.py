"""What cuts across areas: status changes and tombstones."""
