"""xuncheng-patrol simulate"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from patrol.commands.grouped import grouped
from patrol.commands.options import SendOptions
from patrol.commands.sending import send_drive
from patrol.commands.talk import answer, answer_json, talk
from patrol.drawn_drive import captured
from patrol.frame import CapturedFrame
from patrol.server import Server
from patrol.simulate.city import City, CityConfig
from patrol.simulate.drive import Drive, DriveConfig
from patrol.simulate.looks import LOOKS
from patrol.simulate.truth import write_truth
from patrol.simulate.weather import KINDS


@dataclass(frozen=True, slots=True, kw_only=True)
class CityOptions:
    """Which city is drawn and who drives through it."""

    look: Annotated[str, typer.Option(help=f"Shapes and colours: {', '.join(LOOKS)}.")] = "demo"
    seed: Annotated[int, typer.Option(help="Another number, another city.")] = 1
    blocks: Annotated[int, typer.Option(min=1, max=20, help="Blocks of houses along each side of the city.")] = 3
    things: Annotated[int, typer.Option(min=1, help="Things to find that appear and are cleaned.")] = 400
    vehicles: Annotated[int, typer.Option(min=1, max=100, help="Vehicles, each a device of its own.")] = 2
    passes: Annotated[int, typer.Option(min=1, help="Times each vehicle drives through the city.")] = 3
    step_m: Annotated[float, typer.Option(min=0.5, help="Metres between frames.")] = 3.0
    limit_m: Annotated[float, typer.Option(min=0.0, help="Cut each pass after so many metres; 0 = all streets.")] = 0.0
    weather: Annotated[str, typer.Option(help=f"Comma-separated from {', '.join(KINDS)}; drawn, if empty.")] = ""
    campaign: Annotated[str | None, typer.Option(help="Label that goes with every frame.")] = None


@grouped
def simulate(
    city: CityOptions,
    send: SendOptions,
    truth: Annotated[Path | None, typer.Option(help="Folder to write the truth into.")] = None,
    truth_pictures: Annotated[bool, typer.Option("--truth-pictures", help="With the pictures as well.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Send nothing.")] = False,
) -> None:
    """Drive through a drawn city and send what the vehicles see; everything it yields is a drawn scene."""
    drive = make_drive(city)
    if truth is not None:
        talk(f"writing the truth to {truth}")
        write_truth(truth, drive, drive.frames(), truth_pictures)
    if dry_run:
        count = sum(1 for _ in drive.frames())
        if send.as_json:
            answer_json({"frames": count, "things": len(drive.city.things), "drawn scene": True})
        else:
            answer(f"drawn scene: {count} frames of {len(drive.city.things)} things, nothing sent")
        return
    tokens = registered(drive, send)
    raise typer.Exit(send_drive(drawn_frames(drive), tokens, send))


def make_drive(options: CityOptions) -> Drive:
    """The drive the options describe; raises typer's usage error for an unknown look or weather."""
    weather = tuple(filter(None, options.weather.split(",")))
    if options.look not in LOOKS:
        raise typer.BadParameter(f"--look is one of {', '.join(LOOKS)}")
    if unknown := set(weather) - set(KINDS):
        raise typer.BadParameter(f"--weather knows {', '.join(KINDS)}, not {', '.join(sorted(unknown))}")
    config = CityConfig(
        look=options.look,
        seed=options.seed,
        blocks=(options.blocks, options.blocks),
        things=options.things,
        passes=options.passes,
    )
    driven = DriveConfig(
        vehicles=options.vehicles,
        passes=options.passes,
        step_m=options.step_m,
        limit_m=options.limit_m,
        weather=weather,
        campaign=options.campaign,
    )
    return Drive(City(config), driven)


def drawn_frames(drive: Drive) -> Iterator[CapturedFrame]:
    """The frames of a drive as they are sent, drawn one by one."""
    return (captured(drawn, drawn.jpeg()) for drawn in drive.frames())


def registered(drive: Drive, send: SendOptions) -> dict[str, str]:
    """A token for each vehicle, after the server has been told of it and how its cameras hang."""
    if send.admin_token is None:
        raise typer.BadParameter("simulated vehicles are registered first: give --admin-token, or --dry-run")
    with closing(Server(send.server, admin_token=send.admin_token)) as server:
        for (device, camera), settings in drive.mounts().items():
            server.register(device, camera, settings)
        return {device: server.device_token(device) for device, _ in drive.mounts()}
