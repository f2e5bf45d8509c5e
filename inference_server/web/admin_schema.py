"""Devices, cameras and tokens on the wire."""

from datetime import datetime
from typing import Annotated, Literal

import shapely
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from inference_server.domain.camera import Camera, Lens, Mount
from inference_server.ports import Device, Token
from inference_server.web.schema import In, Line, Moment, Name

Scope = Literal["device", "cases:read", "cases:write", "verify", "admin", "originals", "open311", "holds"]


District = Annotated[str, Field(pattern="^[0-9]{6}$", examples=["330106"])]


class MountModel(In):
    """Where a camera sits: metres from the antenna and over the ground, degrees of its axes."""

    height_m: float = Field(gt=0, le=20)
    pitch_deg: float = Field(0.0, ge=-90, le=90, description="positive looks down")
    yaw_deg: float = Field(0.0, ge=-360, le=360, description="positive looks to the right")
    roll_deg: float = Field(0.0, ge=-180, le=180)
    forward_m: float = Field(0.0, ge=-50, le=50)
    right_m: float = Field(0.0, ge=-50, le=50)


class LensModel(In):
    """Focal length and principal point in pixels of a picture of this size, and two radial terms (Brown)."""

    focal_px: float = Field(gt=0, le=1e6)
    width_px: int = Field(gt=0, le=65_535)
    height_px: int = Field(gt=0, le=65_535)
    cx_px: float = Field(ge=-1e6, le=1e6)
    cy_px: float = Field(ge=-1e6, le=1e6)
    k1: float = Field(0.0, ge=-10, le=10)
    k2: float = Field(0.0, ge=-10, le=10)


Share = Annotated[float, Field(ge=0, le=1)]
Corner = Annotated[list[Share], Field(min_length=2, max_length=2)]


def _simple(mask: list[list[float]]) -> list[list[float]]:
    """The mask; one that crosses itself or has no area hides who knows what."""
    if not shapely.Polygon(mask).is_valid:
        raise ValueError("the corners must go round an area, once, without crossing")
    return mask


MaskModel = Annotated[list[Corner], Field(min_length=3, max_length=64), AfterValidator(_simple)]


class CameraModel(In):
    """Settings of a camera. Without a mount and a lens its observations are bearing-only."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "mount": {"height_m": 1.85, "pitch_deg": 6.0, "forward_m": 0.6},
                    "lens": {"focal_px": 1160.0, "width_px": 1920, "height_px": 1080, "cx_px": 960.0, "cy_px": 540.0},
                    "lag_s": 0.2,
                    "masks": [[[0.0, 0.86], [1.0, 0.86], [1.0, 1.0], [0.0, 1.0]]],
                }
            ]
        }
    )

    mount: MountModel | None = None
    lens: LensModel | None = None
    lag_s: float = Field(0.0, ge=-60, le=60, description="the fix is the position this long before the exposure")
    masks: list[MaskModel] = Field(
        default_factory=list,
        max_length=32,
        description="parts of the picture that are blacked out before it is stored: corners x, y in shares of the "
        "upright picture's width and height",
    )

    def to_domain(self) -> Camera:
        """The camera as the domain knows it."""
        return Camera(
            mount=Mount(**self.mount.model_dump()) if self.mount else None,
            lens=Lens(**self.lens.model_dump()) if self.lens else None,
            lag_s=self.lag_s,
            masks=tuple(tuple((x, y) for x, y in mask) for mask in self.masks),
        )

    @classmethod
    def of(cls, camera: Camera) -> "CameraModel":
        """The camera as it was put."""
        mount, lens = camera.mount, camera.lens
        return cls(
            mount=MountModel(**{name: getattr(mount, name) for name in MountModel.model_fields}) if mount else None,
            lens=LensModel(**{name: getattr(lens, name) for name in LensModel.model_fields}) if lens else None,
            lag_s=camera.lag_s,
            masks=[[[x, y] for x, y in mask] for mask in camera.masks],
        )


class DeviceIn(In):
    """A device to register or rename."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"id": "zhe-A-1027", "name": "Patrol car 1027"}]})

    id: Name
    name: Line = Field(min_length=1, max_length=200)


class DeviceOut(BaseModel):
    """A device and its cameras."""

    id: str
    name: str
    created_at: datetime
    cameras: dict[str, CameraModel]

    @classmethod
    def of(cls, device: Device) -> "DeviceOut":
        """The device as registered."""
        cameras = {name: CameraModel.of(camera) for name, camera in device.cameras.items()}
        return cls(id=device.id, name=device.name, created_at=device.created_at, cameras=cameras)


class TokenIn(In):
    """A token to issue. One with the scope `device` is bound to a registered device and has no other scope."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "car 1027", "scopes": ["device"], "device": "zhe-A-1027"}]}
    )

    name: Line = Field(min_length=1, max_length=100)
    scopes: list[Scope] = Field(min_length=1, max_length=7)
    device: Name | None = None
    districts: list[District] | None = Field(
        None, min_length=1, max_length=100, description="only what lies in these districts; absent: the whole city"
    )
    expires_at: Moment | None = None


class TokenOut(BaseModel):
    """A token as stored: its secret is not kept, only a hash."""

    id: str
    name: str
    scopes: list[str]
    device: str | None
    districts: list[str] | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    @classmethod
    def of(cls, token: Token) -> "TokenOut":
        """The token without what would let anybody in."""
        return cls(
            id=token.id,
            name=token.name,
            scopes=sorted(token.scopes),
            device=token.device,
            districts=None if token.districts is None else list(token.districts),
            created_at=token.created_at,
            expires_at=token.expires_at,
            revoked_at=token.revoked_at,
        )


class IssuedToken(TokenOut):
    """A new token with its secret, which is shown this once."""

    secret: str
