"""The embedded container engine."""
