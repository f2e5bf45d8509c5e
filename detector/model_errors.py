"""Why a model is not taken into service.

* ModelError
    * CardError         the card is missing, damaged or says something impossible
    * ModelFileError    the network file is missing, is not the one of the card, or does not fit it
    * RegistryError     the registry is missing, damaged, or names a card that is not the one it was
"""

from __future__ import annotations


class ModelError(Exception):
    """A model that cannot be served; the message says which file and what about it."""


class CardError(ModelError):
    """A model card that is missing, damaged, or says something impossible; the message names the field."""


class ModelFileError(ModelError):
    """A network file that is missing, is not the one its card describes, or does not fit the card."""


class RegistryError(ModelError):
    """A registry that is missing, damaged, or names a model whose card is not the one it was; says what and where."""
