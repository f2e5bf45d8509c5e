"""Eight cameras that see one thing at the same moment, in eight workers: one case."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from support.street import Going, Standing, Street, a_street, frames_of

HEAP = Standing(place=(5.0, 40.0))
CARS = tuple(f"car-{number}" for number in range(1, 9))


def drive(street: Street, device: str) -> None:
    """One camera's frames in their order; the errors of eight receivers differ."""
    error = np.random.default_rng(int(device[-1])).normal(0.0, 1.5, 2)
    going = Going(device=device, error_m=(float(error[0]), float(error[1])))
    for frame, picture in frames_of(going, [HEAP]):
        street.inspect(frame, picture)


def test_eight_workers_with_eight_cameras_that_see_one_thing_file_one_case(tmp_path):
    with a_street(tmp_path, [HEAP], cameras=CARS) as street, ThreadPoolExecutor(8) as workers:
        for done in [workers.submit(drive, street, device) for device in CARS]:
            done.result()
        case = street.case()
        assert case.observations >= 8 * 3
        assert np.linalg.norm(street.places()[0] - HEAP.place) < 2.0
