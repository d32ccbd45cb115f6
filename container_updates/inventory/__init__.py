"""What runs: a file for each kind of engine."""
