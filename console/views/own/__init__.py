"""The console's own health."""
