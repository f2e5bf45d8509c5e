"""How a reported fix is verified: what is asked, what the gates say of it, and what becomes of the case."""
