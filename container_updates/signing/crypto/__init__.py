"""X.509, public keys, DER and timestamps, on `cryptography`."""
