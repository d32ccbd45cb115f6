"""What is published: the registry client."""
