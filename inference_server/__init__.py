"""Frames to cases to verified closings."""
