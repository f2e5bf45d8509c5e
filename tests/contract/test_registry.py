"""What the registry promises, on every database."""

from dataclasses import replace

import pytest
from sqlalchemy import select
from support.builders import at
from support.clocks import SetClock

from inference_server.adapters import tables
from inference_server.adapters.opening import Adapters
from inference_server.domain.camera import Camera, Lens, Mount
from inference_server.domain.errors import BadInput, NotFound
from inference_server.domain.frame import camera_id
from inference_server.ports import Device, Registry

CAMERA = Camera(
    mount=Mount(height_m=2.2, pitch_deg=8.5, yaw_deg=-1.0, roll_deg=0.5, forward_m=0.25, right_m=-0.125),
    lens=Lens(focal_px=1400.0, width_px=1920, height_px=1080, cx_px=960.0, cy_px=540.0, k1=-0.05, k2=0.01),
    lag_s=0.2,
)


@pytest.fixture
def record(timed_record: Adapters) -> Adapters:
    """Under the test's clock."""
    return timed_record


@pytest.fixture
def registry(record: Adapters) -> Registry:
    """The port under test."""
    return record.registry


def test_a_device_is_registered_once_and_renamed_later(registry: Registry, clock: SetClock) -> None:
    registry.save_device("zhe-A-1027", "拱墅一号")
    clock.advance(5.0)
    renamed = Device(id="zhe-A-1027", name="拱墅二号", created_at=at(0))
    assert registry.save_device("zhe-A-1027", "拱墅二号") == renamed
    assert registry.devices() == [renamed]


def test_a_camera_comes_back_as_it_was_last_saved(registry: Registry) -> None:
    registry.save_device("b", "B")
    registry.save_device("a", "A")
    registry.save_camera("b", "front", Camera(lag_s=0.5))
    registry.save_camera("b", "front", CAMERA)
    registry.save_camera("b", "rear", Camera())
    assert registry.camera(camera_id("b", "front")) == CAMERA
    assert registry.camera(camera_id("b", "rear")) == Camera()
    assert registry.device("b").cameras == {"front": CAMERA, "rear": Camera()}
    assert [(device.id, device.cameras) for device in registry.devices()] == [
        ("a", {}),
        ("b", {"front": CAMERA, "rear": Camera()}),
    ]
    assert registry.save_device("b", "again").cameras == {"front": CAMERA, "rear": Camera()}


def test_an_unknown_camera_has_neither_mount_nor_lens(registry: Registry) -> None:
    assert registry.camera(camera_id("nobody", "front")) == Camera()


def test_what_belongs_to_an_unknown_device_is_not_found(registry: Registry) -> None:
    with pytest.raises(NotFound):
        registry.device("nobody")
    with pytest.raises(NotFound):
        registry.save_camera("nobody", "front", CAMERA)
    with pytest.raises(NotFound):
        registry.issue_token("t", frozenset({"device"}), "nobody", None)
    assert registry.tokens() == []


def test_a_secret_finds_its_token(registry: Registry) -> None:
    registry.save_device("car-1", "car")
    token, secret = registry.issue_token("front desk", frozenset({"device", "cases:read"}), "car-1", at(60))
    assert registry.token(secret) == token
    assert (token.scopes, token.device, token.created_at) == (frozenset({"device", "cases:read"}), "car-1", at(0))
    assert registry.token(secret + "x") is None
    assert registry.token("") is None


def test_secrets_are_long_random_and_kept_nowhere(record: Adapters) -> None:
    secrets = {record.registry.issue_token("t", frozenset({"admin"}), None, None)[1] for _ in range(20)}
    assert len(secrets) == 20
    assert all(len(secret) >= 43 for secret in secrets)
    with record.database.reading() as connection:
        stored = repr(connection.execute(select(tables.tokens)).all())
    assert not any(secret in stored for secret in secrets)


def test_a_token_ends_at_its_time(registry: Registry, clock: SetClock) -> None:
    token, secret = registry.issue_token("t", frozenset({"device"}), None, at(60))
    clock.advance(59.0)
    assert registry.token(secret) == token
    clock.advance(1.0)
    assert registry.token(secret) is None
    assert registry.tokens() == [token]


def test_a_revoked_token_stays_revoked_with_its_first_time(registry: Registry, clock: SetClock) -> None:
    token, secret = registry.issue_token("t", frozenset({"device"}), None, None)
    other, other_secret = registry.issue_token("u", frozenset({"device"}), None, None)
    clock.advance(10.0)
    registry.revoke_token(token.id)
    clock.advance(10.0)
    registry.revoke_token(token.id)
    assert registry.token(secret) is None
    assert registry.token(other_secret) == other
    assert sorted(registry.tokens(), key=lambda one: one.name) == [replace(token, revoked_at=at(10)), other]


def test_an_unknown_token_cannot_be_revoked(registry: Registry) -> None:
    with pytest.raises(NotFound):
        registry.revoke_token("nobody")


def test_a_token_that_may_do_nothing_is_refused(registry: Registry) -> None:
    with pytest.raises(BadInput):
        registry.issue_token("t", frozenset(), None, None)
