"""The verbs of `xuncheng`, one module per noun."""
