"""What a version came from, and what came of it."""
