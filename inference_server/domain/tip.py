"""What a person tells the city of a thing on the street: a tip. It is words and a place, no look at anything."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NewType

from inference_server.domain.candidate import Candidate, CandidateId, PassId, PassPosition, TrackId
from inference_server.domain.case import CaseId
from inference_server.domain.geo import LatLon
from inference_server.domain.policy import ClassRules, Policy

TipId = NewType("TipId", str)

TIP_SOURCE: Final = "公众举报"  # the source of a case that began with a tip
CITIZEN: Final = "citizen"  # who, in the history of such a case
_NAMED: Final = 1e-9  # the class that was told goes before others of its code; no score
SAME_WITHIN: Final = timedelta(hours=1)  # the same words again within this time are the same tip, sent again


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What somebody says: a class that the city collects, a place or words for one, and their own text.

    `sigma_m` is how far off the place may be (one axis, metres). Nothing of the person is here: see docs/privacy.md.
    """

    class_name: str
    position: LatLon | None
    sigma_m: float
    address: str | None = None
    description: str | None = None
    media_url: str | None = None

    @property
    def fingerprint(self) -> str:
        """A hash of what was said: the same words of one place have the same one."""
        place = None if self.position is None else (round(self.position.lat, 6), round(self.position.lon, 6))
        said = [self.class_name, place, self.address, self.description, self.media_url]
        return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tip:
    """A tip as it is kept. `caller` is the id of the token that handed it in, `key` the caller's own name for it,
    `fingerprint` that of the words as they came.

    Without a case it waits for a person who says where it is.
    """

    id: TipId
    caller: str
    key: str | None
    received_at: datetime
    words: Words
    fingerprint: str
    case_id: CaseId | None = None


def _code(rules: ClassRules) -> tuple[str, str, str | None]:
    return rules.group, rules.kind, rules.code


def candidate_of(tip: Tip, position: LatLon, policy: Policy) -> Candidate:
    """What the case of a tip stands on until a vehicle has seen the thing: a place that nobody has measured.

    Its one pass has no observations; the first track that is linked takes its place (`gather.joined`).
    """
    name = f"tip-{tip.id}"
    rules, covariance = policy.classes[tip.words.class_name], (tip.words.sigma_m**2, 0.0, tip.words.sigma_m**2)
    of_code = [one for one, of in policy.classes.items() if _code(of) == _code(rules)]
    told = PassPosition(
        track_id=TrackId(name),
        pass_id=PassId(name),
        since=tip.received_at,
        at=tip.received_at,
        position=position,
        cov_m2=covariance,
        class_scores={**dict.fromkeys(of_code, 0.0), tip.words.class_name: _NAMED},
    )
    return Candidate(
        id=CandidateId(name),
        class_group=rules.group,
        contact=rules.contact,
        anchor=position,
        anchor_cov_m2=covariance,
        origin_track=told.track_id,
        origin_pass=told.pass_id,
        origin_at=told.at,
        position=position,
        cov_m2=covariance,
        passes=(told,),
        first_at=told.at,
        last_at=told.at,
    )
