"""Package repositories: asked politely, believed only as far as they are signed."""
