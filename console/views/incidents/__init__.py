"""What is wrong, what changed before it, and whether what was done helped."""
