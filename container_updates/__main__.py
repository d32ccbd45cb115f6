"""`python -m container_updates`."""

from container_updates.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
