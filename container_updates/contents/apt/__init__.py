"""Debian's packages: what dpkg has installed and what apt would choose."""
