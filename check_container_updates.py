#!/usr/bin/env python3
"""Monitoring plugin: whether running containers are up to date, from a trustworthy source and signed."""

import sys


def main() -> int:
    """Be the plugin; returns only where a part of it is missing: one line, 3 (UNKNOWN)."""
    try:
        from container_updates.cli import process
    except ModuleNotFoundError as error:
        print(f"CONTAINER_UPDATES UNKNOWN - {error}: the folder container_updates belongs beside this file")
        return 3
    return process()


if __name__ == "__main__":
    sys.exit(main())
