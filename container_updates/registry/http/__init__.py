"""HTTP for the registry client: one exchange, its connections and its failures."""
