"""Devices, cameras and tokens on SQL."""

import hashlib
import secrets
import uuid
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select, update

from inference_server.adapters import tables
from inference_server.adapters.column_types import AnyRow
from inference_server.adapters.database import Database
from inference_server.adapters.sql_audit import write_note
from inference_server.domain.audit import SYSTEM, AuditAction, AuditNote, Detail
from inference_server.domain.camera import Camera, Lens, Mount
from inference_server.domain.errors import BadInput, NotFound
from inference_server.domain.frame import CameraId
from inference_server.ports import Clock, Device, Token

_SECRET_BYTES = 32
_PREFIX = "xc_"  # tells scanners of leaked secrets, and people, what it is
_devices, _cameras, _tokens = tables.devices, tables.cameras, tables.tokens
_BY_SECRET = select(_tokens).where(_tokens.c.secret_sha256 == bindparam("digest"))
_CAMERA = select(_cameras).where(_cameras.c.device == bindparam("of"), _cameras.c.name == bindparam("called"))


class SqlRegistry:
    """Devices, cameras and tokens.

    Of a secret only its SHA-256 is kept. A slow hash such as Argon2 protects what people can think of and others can
    guess; our secrets are 256 random bits, which no speed of hashing brings within reach, and every request asks.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def save_device(self, device: str, name: str, *, by: str = SYSTEM) -> Device:
        """Insert or rename."""
        note = AuditNote.by(by, AuditAction.DEVICE_SAVED, f"device:{device}", name=name)
        values = {"id": device, "name": name, "created_at": self._clock.now()}
        with self._database.writing() as connection:
            connection.execute(self._database.upsert(_devices, ["id"], ["created_at"]), values)
            saved = _device(connection, device)
            write_note(self._database, connection, self._clock, note)
            return saved

    def devices(self) -> list[Device]:
        """All devices with their cameras, by id."""
        with self._database.reading() as connection:
            cameras: dict[str, dict[str, Camera]] = {}
            for row in connection.execute(select(_cameras).order_by(_cameras.c.name)):
                cameras.setdefault(row.device, {})[row.name] = _camera_of(row)
            rows = connection.execute(select(_devices).order_by(_devices.c.id))
            return [Device(id=r.id, name=r.name, created_at=r.created_at, cameras=cameras.get(r.id, {})) for r in rows]

    def device(self, device: str) -> Device:
        """One device; raises NotFound."""
        with self._database.reading() as connection:
            return _device(connection, device)

    def save_camera(self, device: str, camera: str, settings: Camera, *, by: str = SYSTEM) -> None:
        """Insert or update; raises NotFound without the device."""
        values = {
            "device": device,
            "name": camera,
            "lag_s": settings.lag_s,
            "mount": asdict(settings.mount) if settings.mount else None,
            "lens": asdict(settings.lens) if settings.lens else None,
            "masks": [[list(corner) for corner in mask] for mask in settings.masks] or None,
        }
        with self._database.writing() as connection:
            _device(connection, device)
            connection.execute(self._database.upsert(_cameras, ["device", "name"]), values)
            note = AuditNote.by(by, AuditAction.CAMERA_SAVED, f"camera:{device}/{camera}")
            write_note(self._database, connection, self._clock, note)

    def camera(self, camera: CameraId) -> Camera:
        """Settings of a camera; an unknown camera has neither mount nor lens."""
        device, _, name = camera.rpartition("/")
        row = self._database.ask(_CAMERA, {"of": device, "called": name}).one_or_none()
        return Camera() if row is None else _camera_of(row)

    def issue_token(
        self,
        name: str,
        scopes: frozenset[str],
        device: str | None,
        expires_at: datetime | None,
        *,
        districts: tuple[str, ...] | None = None,
        by: str = SYSTEM,
    ) -> tuple[Token, str]:
        """A new token and its secret, which is shown once; NotFound where the device is not registered."""
        if not scopes:
            raise BadInput("a token needs at least one scope", field="scopes")
        secret = _PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
        token = Token(
            id=uuid.uuid4().hex,
            name=name,
            scopes=scopes,
            device=device,
            created_at=self._clock.now(),
            districts=districts,
            expires_at=expires_at,
        )
        values = {
            "id": token.id,
            "name": name,
            "scopes": sorted(scopes),
            "device": device,
            "districts": None if districts is None else list(districts),
            "secret_sha256": _digest(secret),
            "created_at": token.created_at,
            "expires_at": expires_at,
        }
        with self._database.writing() as connection:
            if device is not None:
                _device(connection, device)
            connection.execute(insert(_tokens), values)
            about: dict[str, Detail] = {
                "name": name,
                "scopes": sorted(scopes),
                "device": device,
                "districts": districts,
            }
            note = AuditNote.by(by, AuditAction.TOKEN_ISSUED, f"token:{token.id}", **about)
            write_note(self._database, connection, self._clock, note)
        return token, secret

    def token(self, secret: str) -> Token | None:
        """The valid token of a secret; None if it is unknown, expired or revoked."""
        row = self._database.ask(_BY_SECRET, {"digest": _digest(secret)}).one_or_none()
        if row is None or row.revoked_at is not None:
            return None
        if row.expires_at is not None and row.expires_at <= self._clock.now():
            return None
        return _token_of(row)

    def revoke_token(self, token_id: str, *, by: str = SYSTEM) -> None:
        """Revoke; raises NotFound. A token revoked before keeps its time."""
        with self._database.writing() as connection:
            if connection.execute(select(_tokens.c.id).where(_tokens.c.id == token_id)).one_or_none() is None:
                raise NotFound(f"no token {token_id}", field="token")
            valid = update(_tokens).where(_tokens.c.id == token_id, _tokens.c.revoked_at.is_(None))
            if connection.execute(valid.values(revoked_at=self._clock.now())).rowcount:
                note = AuditNote.by(by, AuditAction.TOKEN_REVOKED, f"token:{token_id}")
                write_note(self._database, connection, self._clock, note)

    def tokens(self) -> list[Token]:
        """All tokens, oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(select(_tokens).order_by(_tokens.c.created_at, _tokens.c.id))
            return [_token_of(row) for row in rows]


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _device(connection: Connection, device: str) -> Device:
    row = connection.execute(select(_devices).where(_devices.c.id == device)).one_or_none()
    if row is None:
        raise NotFound(f"no device {device}", field="device")
    found = connection.execute(select(_cameras).where(_cameras.c.device == device).order_by(_cameras.c.name))
    cameras = {camera.name: _camera_of(camera) for camera in found}
    return Device(id=row.id, name=row.name, created_at=row.created_at, cameras=cameras)


def _camera_of(row: AnyRow) -> Camera:
    return Camera(
        mount=None if row.mount is None else Mount(**row.mount),
        lens=None if row.lens is None else Lens(**row.lens),
        lag_s=row.lag_s,
        masks=tuple(tuple((x, y) for x, y in mask) for mask in row.masks or ()),
    )


def _token_of(row: AnyRow) -> Token:
    return Token(
        id=row.id,
        name=row.name,
        scopes=frozenset(row.scopes),
        device=row.device,
        created_at=row.created_at,
        districts=None if row.districts is None else tuple(row.districts),
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )
