"""The verbs of `xuncheng-patrol`, one file each."""
