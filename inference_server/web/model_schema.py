"""Models on the wire."""

from datetime import datetime

from pydantic import BaseModel, Field

from inference_server.domain.model import ModelStatus
from inference_server.domain.shadow import ShadowReport


class ModelOut(BaseModel):
    """One place of the registry. `fault` says why the wanted model does not run; then the old one stays."""

    wanted: str | None = Field(description="the card that the registry names")
    version: str | None = Field(description="name and version of the model that runs")
    since: datetime | None
    swaps: int = Field(description="how often a model took over from another since the start")
    fault: str | None

    @classmethod
    def of(cls, status: ModelStatus) -> "ModelOut":
        """The place without its alias; of the card only its name, for paths are nobody's business."""
        wanted = None if status.wanted is None else "/".join(status.wanted.split("/")[-2:])
        return cls(wanted=wanted, version=status.version, since=status.since, swaps=status.swaps, fault=status.fault)


class ModelsOut(BaseModel):
    """The models of this process."""

    champion: ModelOut
    candidate: ModelOut

    @classmethod
    def of(cls, found: list[ModelStatus]) -> "ModelsOut":
        """Each place by its alias."""
        return cls(**{one.alias.value: ModelOut.of(one) for one in found})


class ClassDifferenceOut(BaseModel):
    """What two models saw of one class."""

    class_name: str
    both: int
    only_live: int
    only_shadow: int
    score_shift: float | None = Field(description="mean of shadow less live, over what both saw")


class ShadowReportOut(BaseModel):
    """Two models over the frames that both looked at, each by the review scores of its own card."""

    live_version: str
    shadow_version: str
    frames: int
    first_at: datetime | None
    last_at: datetime | None
    classes: list[ClassDifferenceOut]

    @classmethod
    def of(cls, report: ShadowReport) -> "ShadowReportOut":
        """The report, rounded."""
        rows = [
            ClassDifferenceOut(
                class_name=one.class_name,
                both=one.both,
                only_live=one.only_live,
                only_shadow=one.only_shadow,
                score_shift=None if one.score_shift is None else round(one.score_shift, 4),
            )
            for one in report.classes
        ]
        return cls(
            live_version=report.live_version,
            shadow_version=report.shadow_version,
            frames=report.frames,
            first_at=report.first_at,
            last_at=report.last_at,
            classes=rows,
        )
