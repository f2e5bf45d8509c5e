"""The parts of `tests/bench/privacy.py`."""
