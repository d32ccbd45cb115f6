"""What is inside a container: its package database, and the repositories that it would be upgraded from."""
