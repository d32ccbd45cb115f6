"""The links of the chain of trust, a file each."""
