"""One small drawn city for all tests of this folder."""

from __future__ import annotations

import pytest

from patrol.simulate.city import City, CityConfig
from patrol.simulate.drive import Drive, DriveConfig


@pytest.fixture(scope="session")
def small_city() -> City:
    return City(CityConfig(look="test", seed=5, blocks=(2, 2), things=110, passes=3))


@pytest.fixture(scope="session")
def small_drive(small_city: City) -> Drive:
    return Drive(small_city, DriveConfig(vehicles=2, passes=2, limit_m=400.0))
