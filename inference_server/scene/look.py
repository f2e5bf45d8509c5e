"""What the second gate needs of one photograph, fresh or stored earlier: the same either way."""

import struct
from dataclasses import dataclass

from inference_server.scene.features import Features, FeaturesUnreadable, describe
from inference_server.scene.masks import usable
from inference_server.scene.photo import ScenePhoto
from inference_server.scene.quality import Quality, quality

LOOK_VERSION = "look-1"  # to be counted up with every change of features, masks or quality
_HEAD = struct.Struct("<dd")


@dataclass(frozen=True, slots=True)
class Look:
    """The features of a photograph, masks applied, and how good it is."""

    features: Features
    quality: Quality

    def to_bytes(self) -> bytes:
        """A form that can be stored, half a megabyte at most."""
        return _HEAD.pack(self.quality.sharpness, self.quality.brightness) + self.features.to_bytes()

    @classmethod
    def from_bytes(cls, stored: bytes) -> "Look":
        """What `to_bytes` wrote; raises FeaturesUnreadable."""
        if len(stored) < _HEAD.size:
            raise FeaturesUnreadable(f"{len(stored)} bytes are no stored look")
        return cls(Features.from_bytes(stored[_HEAD.size :]), Quality(*_HEAD.unpack_from(stored)))


def look(photo: ScenePhoto) -> Look:
    """The photograph as the gate sees it, rounded as storing rounds: a verdict does not depend on what was stored."""
    return Look(as_stored(describe(photo.pixels, usable(photo))), quality(photo.pixels))


def as_stored(features: Features) -> Features:
    """The features as they come back from storage."""
    return Features.from_bytes(features.to_bytes())
