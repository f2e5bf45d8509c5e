"""The audit log: who did what to which object, as a chain in which nothing can be changed unseen.

The hash of an entry is SHA-256 over its canonical JSON, which holds the hash of the entry before it. Whoever changes,
removes, inserts or reorders an entry breaks the chain at that place. A chain whose end was cut off is whole in itself:
that is told by a hash that somebody has noted elsewhere.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

BEGINNING: Final = "0" * 64  # stands before the first entry
SYSTEM: Final = "system"

Detail = str | int | bool | None | Sequence[str]


class AuditAction(StrEnum):
    """What is written down."""

    SIGNED_IN = "login.accepted"
    SIGN_IN_REFUSED = "login.refused"
    SIGNED_OUT = "login.ended"
    TOKEN_ISSUED = "token.issued"  # noqa: S105 - what was done, no secret
    TOKEN_REVOKED = "token.revoked"  # noqa: S105
    ACCOUNT_ADDED = "account.added"
    ACCOUNT_CHANGED = "account.changed"
    ACCOUNT_ENABLED = "account.enabled"
    ACCOUNT_DISABLED = "account.disabled"
    PASSWORD_SET = "account.password_set"  # noqa: S105
    DEVICE_SAVED = "device.saved"
    CAMERA_SAVED = "camera.saved"
    GRIDS_REPLACED = "grids.replaced"
    CASE_MOVED = "case.moved"
    CASE_NUMBERED = "case.numbered"
    REVIEW_ANSWERED = "review.answered"
    REVIEW_UNDONE = "review.undone"
    VERIFICATION_ANSWERED = "verification.answered"
    VERIFICATION_UNDONE = "verification.undone"
    CLOSING_SWITCHED = "closing.switched"
    MODEL_TAKEN = "model.taken"
    MODELS_RELOADED = "models.reloaded"
    REVIEWS_EXPORTED = "reviews.exported"
    EVENTS_REPLAYED = "events.replayed"
    ORIGINAL_SHOWN = "original.shown"
    TIP_TAKEN = "tip.taken"
    TIP_PLACED = "tip.placed"
    TIPS_FORGOTTEN = "tips.forgotten"
    PICTURES_DELETED = "pictures.deleted"
    HOLD_SET = "hold.set"
    HOLD_LIFTED = "hold.lifted"
    KEYS_RETIRED = "keys.retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditNote:
    """What is to be written down. `details` never holds a secret, nor what somebody typed where a secret belongs."""

    who: str  # name of the account, the token or the process
    role: str  # what they acted as: operator, case_system, system...
    action: AuditAction
    object: str  # what it was done to, such as `case:0f8c` or `token:me`
    details: Mapping[str, Detail] = field(default_factory=dict)

    @classmethod
    def by(cls, actor: str, action: AuditAction, thing: str, **details: Detail) -> "AuditNote":
        """The note of an actor as histories write it.

        >>> note = AuditNote.by("operator:zhang", AuditAction.CASE_MOVED, "case:1", to="closed")
        >>> (note.who, note.role)
        ('zhang', 'operator')
        """
        role, _, who = actor.partition(":")
        return cls(who=who or role, role=role, action=action, object=thing, details=details)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One link of the chain. `sequence` counts from 1 without gaps; `previous` is the hash of the entry before."""

    sequence: int
    at: datetime
    note: AuditNote
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class BrokenChain:
    """Where a chain is first broken (the sequence that should stand there), and how."""

    sequence: int
    why: str


@dataclass(frozen=True, slots=True)
class ChainCheck:
    """What became of a check: how many entries are sound, the hash of the last one, and the break if there is one."""

    entries: int
    head: str
    broken: BrokenChain | None


def hash_of(sequence: int, at: datetime, note: AuditNote, previous: str) -> str:
    """The hash of an entry: over all that it says, and over the hash before it."""
    said = {
        "sequence": sequence,
        "at": at.astimezone(UTC).isoformat(timespec="microseconds"),
        "who": note.who,
        "role": note.role,
        "action": str(note.action),
        "object": note.object,
        "details": dict(note.details),
        "previous": previous,
    }
    canonical = json.dumps(said, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def sealed(last: AuditEntry | None, at: datetime, note: AuditNote) -> AuditEntry:
    """The entry that comes after `last` (None: the first one)."""
    sequence, previous = (1, BEGINNING) if last is None else (last.sequence + 1, last.hash)
    return AuditEntry(
        sequence=sequence, at=at, note=note, previous=previous, hash=hash_of(sequence, at, note, previous)
    )


def check_chain(entries: Iterable[AuditEntry], head: str | None = None) -> ChainCheck:
    """The check of a whole chain, from its first entry on; `head` is a hash that must be found in it."""
    sequence, previous, is_found = 0, BEGINNING, head in (None, BEGINNING)
    for entry in entries:
        why = _fault(entry, sequence + 1, previous)
        if why is not None:
            return ChainCheck(sequence, previous, BrokenChain(sequence + 1, why))
        sequence, previous = entry.sequence, entry.hash
        is_found = is_found or entry.hash == head
    if not is_found:
        why = "no entry has the noted hash: entries were cut off here, or the chain was written anew"
        return ChainCheck(sequence, previous, BrokenChain(sequence + 1, why))
    return ChainCheck(sequence, previous, None)


def _fault(entry: AuditEntry, sequence: int, previous: str) -> str | None:
    if entry.sequence != sequence:
        return f"it is missing: entry {entry.sequence} stands in its place"
    if entry.previous != previous:
        return "it does not follow on the entry before it: one was removed, put in, changed or moved"
    if entry.hash != hash_of(entry.sequence, entry.at, entry.note, entry.previous):
        return "what it says is not what was written"
    return None
