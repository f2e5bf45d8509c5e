"""Data to weights: torch and ultralytics live here only."""
