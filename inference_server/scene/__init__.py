"""Two photographs of a place: authentic? the same scene? the problem gone? Pixels and the detector, no I/O."""
