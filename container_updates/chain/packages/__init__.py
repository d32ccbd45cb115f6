"""The link "packages": what a container's own package manager would upgrade, found from outside."""
