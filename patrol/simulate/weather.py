"""Light and weather: what the sun, the air and the sensor do to a picture."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Floats = NDArray[np.float64]

KINDS = ("clear", "overcast", "haze", "rain", "dusk")
"""The kinds of weather and light."""


@dataclass(frozen=True, kw_only=True)
class Light:
    """One state of light and air.

    `sun` points to the sun (plan axes, unit length); `direct` and `ambient` are shares of the light that falls on the
    level ground and add up to 1 there; `view_m` is the distance at which haze leaves 37 % of the contrast; colours are
    BGR 0..255; `gain` (B, G, R) multiplies the whole picture; `noise` is the sensor's deviation in grey levels;
    `blur_px` the smear by the drive; `rain` is 0..1.
    """

    kind: str
    sun: Floats
    direct: float
    ambient: float
    view_m: float
    haze: Floats
    zenith: Floats
    gain: Floats
    noise: float
    blur_px: int
    rain: float
    jpeg_quality: int

    @property
    def has_shadows(self) -> bool:
        """Whether the sun is strong enough to throw shadows with an edge."""
        return self.direct > 0.3

    def shade(self, normals: Floats) -> Floats:
        """Light `(n,)` on faces with unit normals `(n, 3)`; 1 is what the level ground gets in the open."""
        facing = np.maximum(normals @ self.sun, 0.0) / max(float(self.sun[2]), 0.25)
        sky = 0.72 + 0.28 * normals[:, 2]
        return np.asarray(self.ambient * sky + self.direct * facing)

    def clear_share(self, depth_m: float) -> float:
        """The share of a thing's own colour that reaches the camera from a distance."""
        return float(np.exp(-max(depth_m, 0.0) / self.view_m))


def sun_towards(azimuth_deg: float, height_deg: float) -> Floats:
    """A unit vector to the sun: azimuth clockwise from the plan's +y, height above the horizon."""
    azimuth, height = np.radians(azimuth_deg), np.radians(height_deg)
    return np.array([np.sin(azimuth) * np.cos(height), np.cos(azimuth) * np.cos(height), np.sin(height)])


def drawn_light(rng: Generator, kind: str = "") -> Light:
    """A random light; of a kind (see `KINDS`) or of any."""
    chosen = kind or str(rng.choice(KINDS, p=[0.36, 0.28, 0.13, 0.13, 0.10]))
    warm = rng.normal(0, 0.025)
    cast = np.array([1 - warm, 1 + rng.normal(0, 0.008), 1 + warm])
    base = Light(
        kind=chosen,
        sun=sun_towards(float(rng.uniform(0, 360)), float(rng.uniform(28, 65))),
        direct=0.58,
        ambient=0.42,
        view_m=float(rng.uniform(500, 1200)),
        haze=np.array([225.0, 222, 216]),
        zenith=np.array([215.0, 165, 110]) * rng.uniform(0.85, 1.1),
        gain=cast * rng.uniform(0.72, 1.02),
        noise=float(rng.uniform(1.5, 3.5)),
        blur_px=int(rng.choice([1, 1, 1, 3])),
        rain=0.0,
        jpeg_quality=int(rng.integers(78, 93)),
    )
    return with_weather(rng, base, cast)


def with_weather(rng: Generator, light: Light, cast: Floats) -> Light:
    """The light changed by its kind of weather."""
    grey = np.array([205.0, 205, 204]) * rng.uniform(0.85, 1.08)
    match light.kind:
        case "overcast":
            return replace(
                light, direct=0.08, ambient=0.92, haze=grey, zenith=grey * 0.9, view_m=float(rng.uniform(250, 600))
            )
        case "haze":
            view = float(rng.uniform(55, 120))
            return replace(light, direct=0.12, ambient=0.88, haze=grey * [0.96, 1, 1], zenith=grey, view_m=view)
        case "rain":
            dull = replace(light, direct=0.04, ambient=0.96, haze=grey * 0.82, zenith=grey * 0.75)
            return replace(
                dull,
                view_m=float(rng.uniform(110, 220)),
                gain=cast * rng.uniform(0.6, 0.85),
                rain=float(rng.uniform(0.4, 1.0)),
            )
        case "dusk":
            low = replace(
                light, direct=0.1, ambient=0.9, haze=np.array([140.0, 120, 125]), zenith=np.array([120.0, 85, 70])
            )
            gain = cast * np.array([1.06, 0.96, 0.94]) * rng.uniform(0.34, 0.5)
            return replace(
                low, gain=gain, noise=float(rng.uniform(4, 7)), view_m=250.0, blur_px=int(rng.choice([1, 3, 5]))
            )
    return light
