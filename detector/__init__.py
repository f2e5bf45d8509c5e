"""Pixels to detections: no time, place, case or HTTP."""
