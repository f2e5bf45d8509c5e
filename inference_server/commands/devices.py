"""xuncheng devices add|camera|list"""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from inference_server.commands.record import own_record
from inference_server.commands.talk import answer_json, shell_user, talk
from inference_server.domain.errors import BadInput
from inference_server.web.admin_schema import CameraModel, DeviceIn, DeviceOut
from inference_server.web.errors import describe

app = typer.Typer(no_args_is_help=True, help="Vehicles' devices and their cameras.")


@app.command()
def add(
    device: Annotated[str, typer.Argument(help="Id of the device, as it names itself in its frames.")],
    name: Annotated[str | None, typer.Option(help="What people call it; its id, if absent.")] = None,
) -> None:
    """Register a device, or rename one."""
    wanted = _checked(DeviceIn, {"id": device, "name": name or device})
    with own_record() as record:
        answer_json(DeviceOut.of(record.registry.save_device(wanted.id, wanted.name, by=shell_user())))


@app.command()
def camera(
    device: Annotated[str, typer.Argument(help="Id of a registered device.")],
    camera: Annotated[str, typer.Argument(help="The camera's name, as in the frames.")],
    file: Annotated[Path, typer.Argument(help="JSON with mount, lens and lag_s, as in docs/api.md; - reads stdin.")],
) -> None:
    """Set a camera's mount, lens and lag."""
    text = typer.get_text_stream("stdin").read() if str(file) == "-" else file.read_text(encoding="utf-8")
    try:
        wanted = CameraModel.model_validate_json(text)
    except ValidationError as error:
        raise BadInput(describe(error.errors())[1]) from error
    _checked(DeviceIn, {"id": camera, "name": camera})
    with own_record() as record:
        record.registry.save_camera(device, camera, wanted.to_domain(), by=shell_user())
    talk(f"camera {device}/{camera} is set")


@app.command("list")
def list_devices() -> None:
    """List all devices with their cameras, as JSON lines."""
    with own_record() as record:
        for device in record.registry.devices():
            answer_json(DeviceOut.of(device))


def _checked(model: type[DeviceIn], values: dict[str, str]) -> DeviceIn:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise BadInput(describe(error.errors())[1]) from error
