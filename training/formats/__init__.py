"""Label files of other tools, read and written without a difference."""
