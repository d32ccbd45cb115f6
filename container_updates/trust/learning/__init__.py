"""`--learn`: today's state written as a trust policy."""
