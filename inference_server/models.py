"""The models that run: another one takes over between two frames, or the old one stays and it is said why.

A frame belongs to the model that opened its picture (`Look.model`), so a swap needs no lock and no pause: frames in
work finish with the old model, the next ones begin with the new one.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog

from inference_server.domain.model import Alias, ModelKey, ModelStatus
from inference_server.model_ports import ModelShelf, ModelUnusable
from inference_server.ports import Clock, Detects, Look

_TRY_AGAIN_S = 60.0  # a model that failed is tried again: the disk may have been at fault
_NO_MODEL = "none"

_log = structlog.get_logger("models")


Tells = Callable[[Alias, str, str | None], None]


def nobody(alias: Alias, version: str, before: str | None) -> None:
    """Nobody is told that a model was taken."""


@dataclass(slots=True)
class _Place:
    """What holds one place of the registry."""

    wanted: ModelKey | None = None
    model: Detects | None = None
    runs: ModelKey | None = None
    since: datetime | None = None
    swaps: int = 0
    fault: str | None = None
    failed: ModelKey | None = None
    failed_s: float = 0.0


class Models:
    """The champion, as the detector of the use cases, and the candidate beside it. Safe from many threads."""

    def __init__(self, shelf: ModelShelf, clock: Clock, tells: Tells = nobody) -> None:
        self._shelf, self._clock, self._tells = shelf, clock, tells
        self._places = {alias: _Place() for alias in Alias}
        self._checking = threading.Lock()

    @property
    def champion(self) -> Detects:
        """The model that decides; there is one once `check` has succeeded."""
        model = self._places[Alias.CHAMPION].model
        assert model is not None, "check() loads the champion before anything is analysed"
        return model

    @property
    def candidate(self) -> Detects | None:
        """The model that looks beside it, if there is one."""
        return self._places[Alias.CANDIDATE].model

    @property
    def model_version(self) -> str:
        """Name and version of the champion."""
        model = self._places[Alias.CHAMPION].model
        return _NO_MODEL if model is None else model.model_version

    @property
    def network_px(self) -> tuple[int, int]:
        """Width and height of the champion's picture."""
        return self.champion.network_px

    def thresholds(self, class_name: str) -> tuple[float, float, float] | None:
        """The champion's scores of a class."""
        return self.champion.thresholds(class_name)

    def probability(self, class_name: str, score: float) -> float:
        """The champion's calibrated probability of a raw score."""
        return self.champion.probability(class_name, score)

    def open(self, picture: bytes) -> Look:
        """The decoded picture, bound to the champion of this moment; raises PictureUnreadable."""
        return self.champion.open(picture)

    def status(self) -> list[ModelStatus]:
        """Each place with what holds it."""
        return [_status(alias, place) for alias, place in self._places.items()]

    def check(self, *, again: bool = False) -> list[ModelStatus]:
        """The status after the registry was read and what is new in it was loaded.

        A model that failed is left alone for a minute, unless its card changes or it is to be tried `again`.
        """
        with self._checking:
            try:
                wanted = self._shelf.wanted()
            except ModelUnusable as error:
                self._fault(Alias.CHAMPION, str(error))
            else:
                for alias in Alias:
                    self._settle(alias, wanted, again)
            return self.status()

    def _settle(self, alias: Alias, wanted: Mapping[Alias, ModelKey], again: bool) -> None:
        place, key = self._places[alias], wanted.get(alias)
        place.wanted = key
        if key is None:
            self._leave(alias)
        elif key == place.runs:
            self._well(alias)
        elif again or key != place.failed or time.monotonic() - place.failed_s > _TRY_AGAIN_S:
            self._load(alias, key)

    def _load(self, alias: Alias, key: ModelKey) -> None:
        place = self._places[alias]
        try:
            model = self._shelf.load(key)
        except ModelUnusable as error:
            place.failed, place.failed_s = key, time.monotonic()
            self._fault(alias, str(error))
            return
        before = None if place.model is None else place.model.model_version
        place.model, place.runs, place.since, place.failed = model, key, self._clock.now(), None
        place.swaps += before is not None
        _log.info("model_taken", alias=alias.value, version=model.model_version, before=before, card=key.place)
        self._tells(alias, model.model_version, before)
        self._well(alias)

    def _leave(self, alias: Alias) -> None:
        """Nobody is wanted here: a candidate goes, a champion stays, for there must be one."""
        place = self._places[alias]
        if alias is Alias.CHAMPION:
            self._fault(alias, "the registry names no champion")
            return
        if place.model is not None:
            _log.info("model_left", alias=alias.value, version=place.model.model_version)
        self._places[alias] = _Place(swaps=place.swaps)

    def _fault(self, alias: Alias, why: str) -> None:
        place = self._places[alias]
        if why != place.fault:
            runs = None if place.model is None else place.model.model_version
            _log.error("model_refused", alias=alias.value, why=why, stays=runs)
        place.fault = why

    def _well(self, alias: Alias) -> None:
        place = self._places[alias]
        if place.fault is not None:
            _log.info("model_well_again", alias=alias.value)
        place.fault = None


def _status(alias: Alias, place: _Place) -> ModelStatus:
    return ModelStatus(
        alias=alias,
        wanted=None if place.wanted is None else place.wanted.place,
        version=None if place.model is None else place.model.model_version,
        since=place.since,
        swaps=place.swaps,
        fault=place.fault,
    )


class ModelWatch:
    """The thread that looks whether another model is wanted, every few seconds and when it is woken."""

    def __init__(self, models: Models, every_s: float) -> None:
        self._models, self._every_s = models, every_s
        self._stopping, self._woken = threading.Event(), threading.Event()
        self._again = False
        self._thread = threading.Thread(target=self._run, name="models", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, within_s: float) -> bool:
        """End; False if a model is still being loaded after that time."""
        self._stopping.set()
        self._woken.set()
        self._thread.join(within_s)
        return not self._thread.is_alive()

    def wake(self) -> None:
        """Look at once, also at a model that failed; safe to call from a signal handler."""
        self._again = True
        self._woken.set()

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._woken.wait(self._every_s)
            self._woken.clear()
            again, self._again = self._again, False
            if not self._stopping.is_set():
                self._models.check(again=again)
