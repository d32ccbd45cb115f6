"""How fast and how small, as ratios measured in one run: `python -m benchmarks`."""
