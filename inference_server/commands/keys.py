"""xuncheng keys make|status|rewrap"""

from typing import Annotated

import typer

from inference_server.adapters.sealing import new_key
from inference_server.commands.record import own_record
from inference_server.commands.talk import answer, answer_json, shell_user, talk
from inference_server.domain.errors import BadInput
from inference_server.domain.frame import FrameId
from inference_server.retention_ports import PARTS

app = typer.Typer(no_args_is_help=True, help="Keys that pictures are sealed with at rest.")


@app.command()
def make(key_id: Annotated[str, typer.Argument(help="Its name, such as 2026b; a new one each time.")]) -> None:
    """Print the line of a new random key. Keep a copy where the pictures are not: without it nobody opens them."""
    answer(new_key(key_id).line)


@app.command()
def status() -> None:
    """Say which key seals, which open, and which the record has seen; never a key."""
    with own_record() as record:
        current = record.keyring.current
        held = [key.id for key in record.keyring.keys]
        answer_json({"seals": None if current is None else current.id, "opens": held, "known": record.keys.known()})


@app.command()
def rewrap() -> None:
    """Put all stored pictures under the current key, those that are not sealed yet too, and retire the other keys.

    Every process must have the current key as its first one by then. May be stopped and run again.
    """
    with own_record() as record:
        if record.keyring.current is None:
            raise BadInput("no key is set: nothing can be sealed", field="picture_keys")
        looked = renewed = 0
        for part in range(PARTS):
            for stored in record.shelf.listed(part):
                looked += 1
                renewed += record.shelf.reseal(stored.sha256)
        for name in record.spool.ages_s():
            frame_id = FrameId(name)
            renewed += record.spool.reseal(frame_id)
            if record.store.report(frame_id) is not None:
                record.spool.remove(frame_id)  # it was analysed, and its picture gone, before it was written back
        retired = record.keys.retire(record.keyring, shell_user())
    answer_json({"looked_at": looked, "renewed": renewed, "retired": retired})
    if retired:
        talk(f"no picture needs {', '.join(retired)} any more: they may leave the settings")
