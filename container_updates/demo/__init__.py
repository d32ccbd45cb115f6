"""An embedded engine and registry on loopback: `--demo` and the lab of the fast tests."""
