"""Random generators that depend only on a look, a seed and words."""

import hashlib

import numpy as np


def generator(look: str, seed: int, *words: object) -> np.random.Generator:
    """A generator whose stream is fixed by the look, the seed and the words.

    The look's name is the first thing hashed, so two looks never share a stream whatever their seeds.
    """
    text = "\x1f".join([look, str(seed), *(str(word) for word in words)])
    return np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "little"))
