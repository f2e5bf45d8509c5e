"""Pictures sealed at rest with AES-256-GCM, each under a data key of its own that a key of the settings wraps.

A sealed object is: MAGIC, length and text of the key's id, fingerprint of the key (8 bytes), nonce and wrapped data key
(12 + 48 bytes), nonce and content with its tag (12 bytes, content + 16). The object's name is authenticated together
with its content, so a file under another name does not open. What does not begin with MAGIC was stored without a seal
and is given out as it is; who reads proves its hash anyway.
"""

import base64
import binascii
import hashlib
import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from inference_server.domain.errors import BadInput

MAGIC: Final = b"\x00XUNCHENG\x01"
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_WRAPPED_BYTES: Final = _KEY_BYTES + 16
_FINGERPRINT_BYTES: Final = 8
_ID: Final = re.compile(r"[A-Za-z0-9._\-]{1,64}")


class KeyMissing(OSError):
    """The key that a picture is sealed with is not in the settings, or another one stands under its id. Nothing is
    lost: with the right key it opens."""


class SealBroken(Exception):
    """A sealed picture is not what was sealed under this name: changed, cut off, or put in another one's place."""


@dataclass(frozen=True, slots=True)
class PictureKey:
    """A key that wraps data keys."""

    id: str
    secret: bytes = field(repr=False)

    @property
    def fingerprint(self) -> bytes:
        """What tells it from another key of the same id; nothing about a random key follows from it."""
        return hashlib.sha256(b"xuncheng picture key" + self.secret).digest()[:_FINGERPRINT_BYTES]

    @property
    def line(self) -> str:
        """As it stands in the settings."""
        return f"{self.id}:{base64.b64encode(self.secret).decode()}"


@dataclass(frozen=True, slots=True)
class Keyring:
    """The keys of the settings: the first one seals, all of them open. Without any nothing is sealed."""

    keys: tuple[PictureKey, ...] = ()

    @property
    def current(self) -> PictureKey | None:
        """The key that new pictures are sealed with."""
        return self.keys[0] if self.keys else None

    def find(self, key_id: str) -> PictureKey | None:
        """The key of an id."""
        return next((key for key in self.keys if key.id == key_id), None)


def new_key(key_id: str) -> PictureKey:
    """A random key."""
    _check_id(key_id)
    return PictureKey(key_id, os.urandom(_KEY_BYTES))


def read_keys(lines: Iterable[str]) -> Keyring:
    """The keys of some lines `id:base64`; empty ones and those that begin with # are passed over. Raises BadInput that
    never shows a key."""
    keys = []
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        key_id, _, encoded = text.partition(":")
        if not _ID.fullmatch(key_id):
            raise BadInput(
                f"key {number}: write id:base64, the id of 1 to 64 letters, digits, . _ -", field="picture_keys"
            )
        try:
            secret = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            secret = b""
        if len(secret) != _KEY_BYTES:
            raise BadInput(f"key {key_id}: not {_KEY_BYTES} bytes in base64", field="picture_keys")
        keys.append(PictureKey(key_id, secret))
    for names in ([key.id for key in keys], [key.fingerprint.hex() for key in keys]):
        if len(set(names)) != len(names):
            raise BadInput("an id or a key is there twice", field="picture_keys")
    return Keyring(tuple(keys))


def read_key_file(path: Path) -> Keyring:
    """The keys of a file, which nobody but its owner may read; raises BadInput."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            message = f"{path} may be read by others (mode {mode:03o}): chmod 600"
            raise BadInput(message, field="picture_keys_file")
        return read_keys(path.read_text(encoding="ascii").splitlines())
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read: {type(error).__name__}", field="picture_keys_file") from None


@dataclass(frozen=True, slots=True)
class _Sealed:
    """The parts of a sealed object. `head` ends with the fingerprint."""

    head: bytes
    key_id: str
    fingerprint: bytes
    nonce: bytes
    wrapped: bytes
    content: bytes  # with its nonce and its tag


class Seal:
    """Seals and opens objects by their name."""

    def __init__(self, keyring: Keyring = Keyring()) -> None:
        self.keyring = keyring

    def close(self, name: str, content: bytes) -> bytes:
        """The content as it is to be stored."""
        key = self.keyring.current
        if key is None:
            return content
        data_key, nonce = os.urandom(_KEY_BYTES), os.urandom(_NONCE_BYTES)
        return _wrap(key, data_key) + nonce + AESGCM(data_key).encrypt(nonce, content, name.encode())

    def open(self, name: str, stored: bytes) -> bytes:
        """The content of what is stored; raises KeyMissing, SealBroken."""
        if not stored.startswith(MAGIC):
            return stored
        parts = _parts(stored)
        data_key = self._data_key(parts)
        try:
            return AESGCM(data_key).decrypt(parts.content[:_NONCE_BYTES], parts.content[_NONCE_BYTES:], name.encode())
        except (InvalidTag, ValueError) as error:
            raise SealBroken(f"{name} is not what was sealed under this name") from error

    def renewed(self, name: str, stored: bytes) -> bytes | None:
        """What is stored, under the current key; None where it is so already. Raises KeyMissing, SealBroken."""
        key = self.keyring.current
        if key is None or key_id_of(stored) == key.id:
            return None
        if not stored.startswith(MAGIC):
            return self.close(name, stored)
        parts = _parts(stored)
        return _wrap(key, self._data_key(parts)) + parts.content

    def _data_key(self, parts: _Sealed) -> bytes:
        key = self.keyring.find(parts.key_id)
        if key is None:
            raise KeyMissing(f"a picture is sealed with key {parts.key_id}, which picture_keys does not hold")
        if key.fingerprint != parts.fingerprint:
            raise KeyMissing(f"a picture is sealed with another key {parts.key_id} than picture_keys holds")
        try:
            return AESGCM(key.secret).decrypt(parts.nonce, parts.wrapped, parts.head)
        except InvalidTag as error:
            raise SealBroken("the data key of a sealed picture was changed") from error


def key_id_of(stored: bytes) -> str | None:
    """The id of the key that something is sealed with; None: with none. Raises SealBroken."""
    return _parts(stored).key_id if stored.startswith(MAGIC) else None


def _wrap(key: PictureKey, data_key: bytes) -> bytes:
    name = key.id.encode()
    head = MAGIC + bytes([len(name)]) + name + key.fingerprint
    nonce = os.urandom(_NONCE_BYTES)
    return head + nonce + AESGCM(key.secret).encrypt(nonce, data_key, head)


def _parts(stored: bytes) -> _Sealed:
    at_id = len(MAGIC) + 1
    at_fingerprint = at_id + (stored[len(MAGIC)] if len(stored) >= at_id else 0)
    at_nonce = at_fingerprint + _FINGERPRINT_BYTES
    at_wrapped = at_nonce + _NONCE_BYTES
    at_content = at_wrapped + _WRAPPED_BYTES
    if len(stored) < at_content + _NONCE_BYTES:
        raise SealBroken("a sealed picture is cut off")
    return _Sealed(
        head=stored[:at_nonce],
        key_id=stored[at_id:at_fingerprint].decode("ascii", "replace"),
        fingerprint=stored[at_fingerprint:at_nonce],
        nonce=stored[at_nonce:at_wrapped],
        wrapped=stored[at_wrapped:at_content],
        content=stored[at_content:],
    )


def _check_id(key_id: str) -> None:
    if not _ID.fullmatch(key_id):
        raise BadInput("the id of a key has 1 to 64 letters, digits, . _ -", field="id")
