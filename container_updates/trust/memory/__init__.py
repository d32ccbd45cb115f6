"""Who signed and built last time."""
