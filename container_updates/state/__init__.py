"""What outlives a run: the database, answers and facts, and what the last report had."""
