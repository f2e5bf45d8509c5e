"""Seals of pictures at rest: what opens, what does not, and what is said then."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_server.adapters.sealing import (
    MAGIC,
    KeyMissing,
    Keyring,
    PictureKey,
    Seal,
    SealBroken,
    key_id_of,
    new_key,
    read_key_file,
    read_keys,
)
from inference_server.domain.errors import BadInput

OLD, NEW = new_key("2026a"), new_key("2026b")
PICTURE = b"\xff\xd8\xff" + bytes(range(256)) * 40


@given(content=st.binary(max_size=2000), name=st.text(min_size=1, max_size=80))
def test_what_is_sealed_opens_under_its_name(content: bytes, name: str) -> None:
    seal = Seal(Keyring((OLD,)))
    stored = seal.close(name, content)
    assert stored.startswith(MAGIC)
    assert seal.open(name, stored) == content
    assert len(content) < 8 or content not in stored[len(MAGIC) :]


def test_each_picture_has_a_data_key_and_nonces_of_its_own() -> None:
    seal = Seal(Keyring((OLD,)))
    assert seal.close("a", PICTURE) != seal.close("a", PICTURE)


def test_a_file_in_another_ones_place_does_not_open() -> None:
    seal = Seal(Keyring((OLD,)))
    with pytest.raises(SealBroken):
        seal.open("b", seal.close("a", PICTURE))


def test_a_change_anywhere_is_noticed() -> None:
    seal = Seal(Keyring((OLD,)))
    stored = seal.close("a", PICTURE[:100])
    for place in range(len(MAGIC), len(stored)):
        changed = bytearray(stored)
        changed[place] ^= 1
        with pytest.raises((SealBroken, KeyMissing)):
            seal.open("a", bytes(changed))
    for length in range(len(MAGIC), len(stored)):
        with pytest.raises((SealBroken, KeyMissing)):
            seal.open("a", stored[:length])


def test_what_was_stored_without_a_seal_is_given_out_as_it_is() -> None:
    assert Seal(Keyring((OLD,))).open("a", PICTURE) == PICTURE
    assert Seal().close("a", PICTURE) == PICTURE


@pytest.mark.parametrize("keyring", [Keyring(), Keyring((NEW,)), Keyring((PictureKey(OLD.id, NEW.secret),))])
def test_without_its_key_a_picture_is_not_called_damaged(keyring: Keyring) -> None:
    stored = Seal(Keyring((OLD,))).close("a", PICTURE)
    with pytest.raises(KeyMissing, match="2026a"):
        Seal(keyring).open("a", stored)


def test_a_new_key_seals_and_the_old_one_still_opens() -> None:
    old = Seal(Keyring((OLD,))).close("a", PICTURE)
    both = Seal(Keyring((NEW, OLD)))
    assert both.open("a", old) == PICTURE
    assert key_id_of(both.close("a", PICTURE)) == NEW.id


@pytest.mark.parametrize("stored", [Seal(Keyring((OLD,))).close("a", PICTURE), PICTURE], ids=["sealed", "plain"])
def test_renewed_it_needs_the_new_key_alone(stored: bytes) -> None:
    both = Seal(Keyring((NEW, OLD)))
    renewed = both.renewed("a", stored)
    assert renewed is not None
    assert Seal(Keyring((NEW,))).open("a", renewed) == PICTURE
    assert both.renewed("a", renewed) is None


def test_keys_are_read_from_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(f"# the new one first\n{NEW.line}\n\n{OLD.line}\n")
    path.chmod(0o600)
    assert read_key_file(path) == Keyring((NEW, OLD))
    path.chmod(0o640)
    with pytest.raises(BadInput, match="chmod 600") as refused:
        read_key_file(path)
    assert refused.value.field == "picture_keys_file"
    with pytest.raises(BadInput, match="cannot be read"):
        read_key_file(tmp_path / "nothing")


@pytest.mark.parametrize("line", ["nothing", "a:b", "a:AAAA", " : ", f"{'x' * 65}:{OLD.line}", f"ä:{OLD.line[6:]}"])
def test_a_line_that_is_no_key_is_refused_without_showing_it(line: str) -> None:
    with pytest.raises(BadInput) as refused:
        read_keys([line])
    assert "AAAA" not in refused.value.message
    assert OLD.line[6:] not in refused.value.message


def test_no_key_stands_twice() -> None:
    with pytest.raises(BadInput, match="twice"):
        read_keys([OLD.line, OLD.line])
    with pytest.raises(BadInput, match="twice"):
        read_keys([OLD.line, PictureKey("other", OLD.secret).line])


def test_a_key_is_never_shown() -> None:
    key = PictureKey("a", os.urandom(32))
    assert key.secret.hex() not in repr(key)
    assert repr(key.secret) not in repr(Keyring((key,)))
