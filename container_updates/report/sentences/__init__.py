"""The words for each finding, and for what an update changes."""
