"""Devices and their cameras."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from inference_server.web.admin_schema import CameraModel, DeviceIn, DeviceOut
from inference_server.web.deps import FromAdmin, Given, operator
from inference_server.web.responses import answers
from inference_server.web.schema import NAME_PATTERN

router = APIRouter(prefix="/v1/devices", tags=["devices"])

NamePath = Annotated[str, Path(pattern=NAME_PATTERN)]


@router.get("", response_model=list[DeviceOut], responses=answers(401, 403))
def list_devices(services: Given, _: FromAdmin) -> list[DeviceOut]:
    """All devices with their cameras."""
    return [DeviceOut.of(device) for device in services.registry.devices()]


@router.post("", status_code=201, response_model=DeviceOut, responses=answers(400, 401, 403, 413, 422))
def save_device(services: Given, token: FromAdmin, device: DeviceIn, response: Response) -> DeviceOut:
    """Register a device, or rename one."""
    response.headers["Location"] = f"/v1/devices/{device.id}"
    return DeviceOut.of(services.registry.save_device(device.id, device.name, by=operator(token)))


@router.get("/{device_id}", response_model=DeviceOut, responses=answers(401, 403, 404, 422))
def get_device(services: Given, _: FromAdmin, device_id: NamePath) -> DeviceOut:
    """One device with its cameras."""
    return DeviceOut.of(services.registry.device(device_id))


@router.put(
    "/{device_id}/cameras/{camera}",
    response_model=DeviceOut,
    responses=answers(400, 401, 403, 404, 413, 422),
)
def put_camera(
    services: Given, token: FromAdmin, device_id: NamePath, camera: NamePath, settings: CameraModel
) -> DeviceOut:
    """Set a camera's mount, lens and lag. They hold for frames analysed from now on."""
    services.registry.save_camera(device_id, camera, settings.to_domain(), by=operator(token))
    return DeviceOut.of(services.registry.device(device_id))
