"""Signatures of the Notary Project (notation)."""
