"""`python -m container_updates`."""

from container_updates.cli import process

if __name__ == "__main__":
    process()
