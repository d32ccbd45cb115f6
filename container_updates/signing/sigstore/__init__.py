"""cosign signatures and Sigstore bundles, by key or keyless."""
