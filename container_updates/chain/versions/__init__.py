"""The link "versions": newer tags of the same kind."""
