"""Forged after-photos and honest ones: what does the first gate say, the others switched off?"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np

from detector.image import Limits
from inference_server.adapters.database import Database
from inference_server.adapters.opening import migrate
from inference_server.adapters.sql_photos import SqlPhotos
from inference_server.closure.offline import PairVerdict
from inference_server.domain.case import CaseId
from inference_server.domain.observation import Box
from inference_server.domain.photo_index import PhotoMatch, PhotoRecord, PhotoRole
from inference_server.domain.verification import Answer, Closing, Gate
from inference_server.scene.authentic import PhotoStory, authentic
from inference_server.scene.perceptual_hash import Turn, perceptual_hash, turned_hashes
from inference_server.scene.photo import ScenePhoto, open_photo
from verify_parts.figures import Figure
from verify_parts.forged import Forgery, forgeries, honest_pairs
from verify_parts.forging import KINDS, cropped, recoloured
from verify_parts.pairs import Pair, closure_pairs, one_of_each_group
from verify_parts.things import CODES
from verify_parts.verifying import verifier
from verify_parts.work import MIN_SCORE, Work, detects, say

PART = "forgeries"
_REUSED = 200
REMOVING = frozenset(name for name, kind in KINDS.items() if kind.removes)
_SEEN_AT = datetime(2026, 11, 22, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Said:
    """What the gate said of one pair."""

    kind: str
    name: str
    answer: Answer
    score: float
    codes: tuple[str, ...]
    decision: Closing | None = None
    others_pass: bool = False
    cpu_s: float = 0.0

    @property
    def stopped(self) -> bool:
        """Whether this gate alone keeps the machine from closing."""
        return self.answer is not Answer.PASS


def run(work: Work) -> Iterator[Figure]:
    """Forgeries by kind, the edited pairs, re-used photographs; then what it costs: honest pairs under suspicion."""
    said = list(work.spread(said_of_forgery, work.few(forgeries()), PART))
    yield from _by_kind(said, "stopped by the first gate alone")
    yield _figure("made forgeries stopped by the first gate alone", said)
    yield _closed("made forgeries closed", said)
    yield _closed("removed things closed", [one for one in said if one.kind in REMOVING])
    edited = list(work.spread(said_of_edited, closure_pairs("edited_after"), f"{PART} edited"))
    _talk(edited, missed=False)
    yield _figure("edited_after stopped by the first gate alone", edited)
    yield _closed("edited_after closed", edited)
    yield from _by_kind(reused(work), "re-used after-photo stopped")
    honest = list(work.spread(said_of_pair, work.few(list(honest_pairs())), f"{PART} honest"))
    _talk(honest, missed=True)
    yield from _by_kind(honest, "honest under suspicion")
    cpu_s = [one.cpu_s for one in honest]
    say(f"CPU seconds a pair: mean {np.mean(cpu_s):.3f}, 95 % under {np.percentile(cpu_s, 95):.3f}")


def said_of_forgery(forgery: Forgery) -> Said:
    """All gates on a made forgery and what it was made from, told where the thing is."""
    x1, y1, x2, y2 = forgery.box
    regions = [Box(x1=x1, y1=y1, x2=x2, y2=y2)]
    done = verifier(CODES[forgery.class_name]).verify(forgery.before.read_bytes(), forgery.made(), regions)
    return _decided(forgery.kind, forgery.before.stem, done)


def said_of_edited(pair: Pair) -> Said:
    """All gates on two pictures of a folder, the detector to find the thing."""
    done = verifier("06010").verify(pair.before.read_bytes(), pair.after.read_bytes())
    return _decided(pair.kind, pair.name, done)


def _decided(kind: str, name: str, done: PairVerdict) -> Said:
    gates = done.judged.gates
    first = gates[Gate.AUTHENTIC]
    return Said(
        kind=kind,
        name=name,
        answer=first.answer,
        score=first.score,
        codes=tuple(reason.code.value for reason in first.reasons),
        decision=done.decided.decision,
        others_pass=all(result.answer is Answer.PASS for gate, result in gates.items() if gate is not Gate.AUTHENTIC),
    )


def said_of_pair(pair: Pair) -> Said:
    """The first gate on two pictures of a folder."""
    return _said(pair.kind, pair.name, pair.before.read_bytes(), pair.after.read_bytes())


def _said(kind: str, name: str, before: bytes, after: bytes, known: Sequence[PhotoMatch] = ()) -> Said:
    photos = [_opened(data) for data in (before, after)]
    started_s = time.process_time()
    result = authentic(photos[:1], photos[1], PhotoStory(known=known))
    spent_s = time.process_time() - started_s
    codes = tuple(reason.code.value for reason in result.reasons)
    return Said(kind, name, result.answer, result.score, codes, cpu_s=spent_s)


def _opened(data: bytes) -> ScenePhoto:
    return open_photo(data, Limits(), detects(), MIN_SCORE)


def reused(work: Work) -> list[Said]:
    """After-photos of other cases handed in again: as they are, saved again, recoloured, mirrored, cropped."""
    pictures = [path for _, path in one_of_each_group()[: 2 * min(_REUSED, work.sample or _REUSED)]]
    database = Database("sqlite://")
    migrate(database)
    photos, said = SqlPhotos(database), []
    for path in pictures[::2]:
        photos.remember(_record(path))
    for befores, path in zip(pictures[1::2], pictures[::2], strict=True):
        for kind, data in _copies(path).items():
            opened = _opened(data)
            turned = turned_hashes(opened.pixels)
            asked = [turned[turn].value for turn in (Turn.UPRIGHT, Turn.MIRRORED)]
            known = photos.used_elsewhere(opened.sha256, asked, CaseId("asking"))
            said.append(_said(kind, path.stem, befores.read_bytes(), data, known))
    database.close()
    return said


def _record(path: Path) -> PhotoRecord:
    opened = _opened(path.read_bytes())
    hashed = perceptual_hash(opened.pixels)
    return PhotoRecord(
        sha256=opened.sha256,
        case_id=CaseId(path.stem),
        role=PhotoRole.AFTER,
        perceptual_hash=hashed.value,
        quality=hashed.quality,
        taken_at=None,
        seen_at=_SEEN_AT,
    )


def _copies(path: Path) -> dict[str, bytes]:
    pixels, rng = np.asarray(cv2.imread(str(path)), np.uint8), np.random.default_rng(len(path.name))
    height, width = pixels.shape[:2]
    trimmed = pixels[height // 50 : height - height // 50, width // 50 : width - width // 50]
    made = {
        "saved again": pixels,
        "recoloured": recoloured(pixels, rng),
        "mirrored": pixels[:, ::-1],
        "2 % trimmed on each side": trimmed,
        "cropped": cropped(pixels, rng),
    }
    rough = [cv2.IMWRITE_JPEG_QUALITY, 75]
    files = {name: cv2.imencode(".jpg", np.ascontiguousarray(copy), rough)[1].tobytes() for name, copy in made.items()}
    return {"same bytes": path.read_bytes(), **files}


def _by_kind(said: Sequence[Said], name: str) -> Iterator[Figure]:
    groups: dict[str, list[Said]] = defaultdict(list)
    for one in said:
        groups[one.kind].append(one)
    for kind, members in groups.items():
        yield _figure(f"{name}: {kind}", members)


def _figure(name: str, said: Sequence[Said]) -> Figure:
    reasons: dict[str, int] = defaultdict(int)
    for one in said:
        for code in set(one.codes):
            reasons[code] += 1
    return Figure(part=PART, name=name, count=sum(one.stopped for one in said), of=len(said), more={"reasons": reasons})


def _closed(name: str, said: Sequence[Said]) -> Figure:
    closed = sum(one.decision is Closing.CLOSE for one in said)
    without = sum(one.others_pass for one in said)
    return Figure(part=PART, name=name, count=closed, of=len(said), at_most=0, more={"other_gates_pass": without})


def _talk(said: Sequence[Said], *, missed: bool) -> None:
    for one in said:
        if one.stopped is missed:
            say(f"  {one.kind} {one.name}: {one.answer} {one.score:.2f} {' '.join(one.codes)}")
