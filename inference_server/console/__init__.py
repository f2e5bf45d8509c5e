"""The operators' page: map, list and cases with their evidence."""
