"""Photographs through the three gates: every pair of before and after is looked at, the best one decides. No I/O."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from detector.image import Limits
from inference_server.domain.observation import Box
from inference_server.domain.photo_index import PhotoMatch
from inference_server.domain.photo_rules import PhotoClaim, PhotoLimits, PhotoPlan
from inference_server.domain.verdict import PhotoFacts, SeenBox, Side
from inference_server.domain.verification import Answer, Gate, GateResult, Reason, ReasonCode
from inference_server.scene.alignment import Alignment
from inference_server.scene.authentic import PhotoStory, authentic
from inference_server.scene.gone import problem_gone
from inference_server.scene.gone_rules import GoneRules
from inference_server.scene.learned import MatchesPictures
from inference_server.scene.look import LOOK_VERSION, Look, look
from inference_server.scene.photo import FindsThings, ScenePhoto, open_photo
from inference_server.scene.same_scene import compare
from inference_server.thrift import give_back

MIN_SCORE = 0.02  # of a detection that the gates are to know of
_REGION_SCORE = 0.1  # of a detection that may stand for the problem where nobody said where it is
_MOST_REGIONS = 4
_MOST_SEEN = 12
MOST_PAIRS = 9

# One photograph at a time is described: the pyramid of its scales takes more than 100 MB while it lasts, and OpenCV
# works on it with all cores anyway.
_describing = threading.Lock()


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A photograph, decoded, searched and described once."""

    facts: PhotoFacts
    photo: ScenePhoto
    look: Look

    def regions(self, classes: Sequence[str]) -> list[Box]:
        """Where the problem is, in pixels of `photo.pixels`: as it was said, else where the detector sees it."""
        if self.facts.regions:
            return [box.scaled(self.photo.scale) for box in self.facts.regions[:_MOST_REGIONS]]
        found = self.photo.found.at_least(_REGION_SCORE)
        rows = zip(found.names(), found.boxes.tolist(), strict=True)
        return [_box(corners) for name, corners in rows if name in classes][:_MOST_REGIONS]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of the photographs: the detector's classes that stand for the problem, and what is known of it."""

    classes: tuple[str, ...]
    plan: PhotoPlan = field(default_factory=PhotoPlan)
    limits: PhotoLimits = field(default_factory=PhotoLimits)
    uses: Mapping[str, Sequence[PhotoMatch]] = field(default_factory=dict)  # in other cases, by sha256
    asks_all: bool = False  # ask the third gate even where the second one says no: to measure each gate alone


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """One photograph before, one after, and what the gates say of the two."""

    before: Opened
    after: Opened
    scene: GateResult
    gone: GateResult | None
    region: Box | None
    alignment: Alignment

    @property
    def rank(self) -> tuple[bool, bool, float, float]:
        """The pair that proves most is the best one."""
        gone = self.gone
        passes = self.scene.answer is Answer.PASS, gone is not None and gone.answer is Answer.PASS
        return (*passes, min(self.scene.score, gone.score) if gone else 0.0, self.scene.score)

    @property
    def says_otherwise(self) -> bool:
        """Whether it shows the place, and the problem in it."""
        return self.scene.answer is Answer.PASS and self.gone is not None and self.gone.answer is Answer.FAIL


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What the gates say of all photographs together."""

    gates: Mapping[Gate, GateResult]
    pairs: tuple[Pair, ...]
    best: Pair | None
    seen: tuple[SeenBox, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """The gates over one detector. Its work is all pixels: it may run in any thread."""

    detector: FindsThings
    model_version: str
    limits: Limits
    gone: GoneRules
    matcher: MatchesPictures | None = None

    @property
    def look_version(self) -> str:
        """What a stored look depends on."""
        return f"{LOOK_VERSION}, {self.model_version}"

    def open(self, facts: PhotoFacts, data: bytes, stored: bytes | None = None) -> Opened:
        """The photograph, looked at once for all gates, or with the look stored earlier; raises a PictureError."""
        photo = open_photo(data, self.limits, self.detector, MIN_SCORE)
        return Opened(facts, photo, _described(photo) if stored is None else Look.from_bytes(stored))

    def describe(self, data: bytes) -> bytes:
        """The look of a photograph, to be stored; raises a PictureError."""
        return _described(open_photo(data, self.limits, self.detector, MIN_SCORE)).to_bytes()

    def judge(self, befores: Sequence[Opened], afters: Sequence[Opened], question: Question) -> Judged:
        """The three gates. Both sides have at least one photograph.

        The worst suspicion of all photographs after counts; of the pairs the best. Where another pair shows the place
        with the problem in it, nothing is decided by the best one.
        """
        doubts = [_authentic(after, befores, question) for after in afters]
        pairs = [self._pair(before, after, question) for before, after in _combined(befores, afters)]
        best = max(pairs, key=lambda pair: pair.rank)
        gates = {Gate.AUTHENTIC: min(doubts, key=lambda one: one.score), Gate.SAME_SCENE: best.scene}
        if best.gone is not None:
            gates[Gate.PROBLEM_GONE] = _agreed(best, pairs)
        return Judged(gates, tuple(pairs), best, _seen([*befores, *afters], question.classes))

    def _pair(self, before: Opened, after: Opened, question: Question) -> Pair:
        regions = before.regions(question.classes)
        matches = None if self.matcher is None else self.matcher.match(before.photo, after.photo)
        match = compare(before.look, after.look, regions[0] if regions else None, matches)
        region, gone = regions[0] if regions else None, None
        if question.asks_all or match.result.answer is Answer.PASS:
            region, gone = self._gone(before, after, match.alignment, regions, question)
        return Pair(before, after, match.result, gone, region, match.alignment)

    def _gone(
        self, before: Opened, after: Opened, alignment: Alignment, regions: list[Box], question: Question
    ) -> tuple[Box | None, GateResult]:
        """The worst of the regions: all of them must be clear."""
        if not regions:
            return None, cannot_tell(Gate.PROBLEM_GONE, Reason(ReasonCode.NOT_VISIBLE_IN_BEFORE))
        name = question.classes[0] if question.classes else ""
        photos = before.photo, after.photo
        results = [(box, problem_gone(*photos, alignment, box, name, self.gone)) for box in regions]
        return min(results, key=lambda one: one[1].score)


def judged_of(
    judge: Judge, opened: Sequence[Opened], faults: Sequence[tuple[Side, Reason]], question: Question
) -> Judged:
    """What the gates say; where a side has no photograph that can be looked at, that is all they say."""
    befores = [one for one in opened if one.facts.side is Side.BEFORE]
    afters = [one for one in opened if one.facts.side is Side.AFTER]
    bad = [reason for side, reason in faults if side is Side.AFTER]
    if not afters:
        missing = bad or [Reason(ReasonCode.MISSING_PHOTO)]
        return Judged({Gate.AUTHENTIC: cannot_tell(Gate.AUTHENTIC, *missing)}, (), None, ())
    if not befores:
        nothing = Reason(ReasonCode.NOT_VISIBLE_IN_BEFORE, {"photos": 0.0})
        return Judged({Gate.AUTHENTIC: cannot_tell(Gate.AUTHENTIC, nothing)}, (), None, ())
    judged = judge.judge(befores, afters, question)
    give_back()
    if not bad:
        return judged
    gates = {**judged.gates, Gate.AUTHENTIC: cannot_tell(Gate.AUTHENTIC, *bad)}
    return replace(judged, gates=gates)


def _described(photo: ScenePhoto) -> Look:
    """Described in turn; what the pyramid took is given back before another thread builds its own."""
    with _describing:
        found = look(photo)
        give_back()
        return found


def _authentic(after: Opened, befores: Sequence[Opened], question: Question) -> GateResult:
    said = after.facts
    story = PhotoStory(
        claim=PhotoClaim(
            taken_at=said.taken_at, position=said.position, accuracy_m=said.accuracy_m, device=said.device
        ),
        plan=question.plan,
        limits=question.limits,
        known=question.uses.get(said.sha256, ()),
    )
    return authentic([before.photo for before in befores], after.photo, story)


def cannot_tell(gate: Gate, *reasons: Reason) -> GateResult:
    """A gate that has nothing to look at."""
    return GateResult(gate=gate, answer=Answer.CANNOT_TELL, score=0.0, reasons=reasons)


def _agreed(best: Pair, pairs: Sequence[Pair]) -> GateResult:
    """What the third gate says, unless another pair says the contrary: then it cannot tell."""
    assert best.gone is not None
    against = [pair for pair in pairs if pair.says_otherwise]
    if best.gone.answer is not Answer.PASS or not against:
        return best.gone
    worst = min((pair.gone for pair in against if pair.gone), key=lambda one: one.score)
    return cannot_tell(Gate.PROBLEM_GONE, *worst.reasons)


def _combined(befores: Sequence[Opened], afters: Sequence[Opened]) -> list[tuple[Opened, Opened]]:
    """Every photograph before with every one after, those of the same kind first, MOST_PAIRS at most."""
    pairs = [(before, after) for before in befores for after in afters]
    pairs.sort(key=lambda pair: pair[0].facts.kind is not pair[1].facts.kind)
    return pairs[:MOST_PAIRS]


def _seen(opened: Sequence[Opened], classes: Sequence[str]) -> tuple[SeenBox, ...]:
    """Detections of the classes asked about, in pixels of the full-size photographs, the best scores first."""
    rows = []
    for one in opened:
        found = one.photo.found
        for name, score, corners in zip(found.names(), found.scores.tolist(), found.boxes.tolist(), strict=True):
            if name in classes:
                box = _box(corners).scaled(1.0 / one.photo.scale)
                side, sha256 = one.facts.side, one.facts.sha256
                rows.append(SeenBox(side=side, sha256=sha256, class_name=name, score=round(score, 4), box=box))
    rows.sort(key=lambda row: -row.score)
    return tuple(rows[:_MOST_SEEN])


def _box(corners: Sequence[float]) -> Box:
    return Box(x1=corners[0], y1=corners[1], x2=corners[2], y2=corners[3])
