#!/usr/bin/env python3
"""Monitoring plugin: whether running containers are up to date, from a trustworthy source and signed."""

import sys


def main() -> int:
    """Return the exit code of the check; one line and 3 (UNKNOWN) where a part of it is missing."""
    try:
        from container_updates import cli
    except ModuleNotFoundError as error:
        print(f"CONTAINER_UPDATES UNKNOWN - {error}: the folder container_updates belongs beside this file")
        return 3
    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
