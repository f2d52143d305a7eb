"""What every number and word means, written down in one place."""
