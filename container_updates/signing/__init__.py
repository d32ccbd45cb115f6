"""Signatures of images: a file each format, one verdict type (`checked.Checked`) for all.

A verifier is pure: bytes, what is expected of them and the time go in, a verdict comes out. The libraries behind a
format are loaded only where something of that format is there.
"""
