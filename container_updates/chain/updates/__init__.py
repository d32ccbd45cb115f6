"""The link "updates": whether what runs is still what its tag names."""
