"""The ways that bench-speed compares, and how they are measured."""
