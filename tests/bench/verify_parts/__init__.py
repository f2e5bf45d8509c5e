"""The parts of bench-verify: each yields figures with their counts and bounds."""
