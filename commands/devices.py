"""`jwo devices`: who publishes in a store, and the broker's configuration for them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jwo_cli import console
from jwo_cli.model.findings import UserError

if TYPE_CHECKING:
    from jwo_cli.model.layout import Store

HELP = "Devices over MQTT: who they are, and a safe configuration of the broker for them."
app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, help=HELP)

StorePath = Annotated[Path, typer.Argument(metavar="STORE", help="A layout, or a store directory (this one).")]


@app.callback()
def group() -> None:
    """Devices over MQTT: who they are, and a safe configuration of the broker for them."""


@app.command("list")
def list_devices(store: StorePath = Path(), as_json: console.AsJson = False) -> None:
    """List the devices of a layout with the topics that they publish on."""
    from jwo_cli.sensors.mqtt.configuration import devices_of
    from jwo_cli.sensors.mqtt.wire import topic

    found = _store(store)
    rows = [(device, topic(found.store_id, device, "data", "+")) for device in devices_of(found)]
    console.table(("device", "publishes on"), rows, as_json=as_json)


@app.command("broker-config")
def broker_config(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the files go; made, or empty.")],
    store: StorePath = Path(),
    folder: Annotated[
        str, typer.Option("--folder", metavar="DIR", help="Where they will stand on the broker's machine.")
    ] = "/etc/mosquitto/jwo",
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Where the broker listens.")] = 8883,
    edges: Annotated[
        list[str] | None, typer.Option("--edge", metavar="NAME", help="An edge machine; once for each.")
    ] = None,
    no_tls: Annotated[bool, typer.Option("--no-tls", help="Listen on that machine alone, without TLS.")] = False,
    as_json: console.AsJson = False,
) -> None:
    """Write a safe mosquitto configuration: TLS, a name and password for each device, unlimited queues."""
    from jwo_cli.sensors.mqtt.configuration import broker_files

    if not folder.startswith("/") or any(character.isspace() for character in folder):
        raise UserError(f"--folder {folder!r} is no absolute path without spaces", fix="Write /etc/mosquitto/jwo.")
    files = broker_files(_store(store), folder=folder.rstrip("/"), port=port, tls=not no_tls, edges=edges or ())
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} is there already and not empty", fix="Name a new or an empty directory.")
    passwords = "".join(f"{user}:{word}\n" for user, word in files.passwords.items())
    try:
        out.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name, content in (("mosquitto.conf", files.conf), ("acl", files.acl), ("passwords", passwords)):
            path = out / name
            path.touch(mode=0o600)
            path.write_text(content, encoding="utf-8")
    except OSError as error:
        raise UserError(f"{out} cannot be written ({error.strerror})", fix="Name another directory.") from None
    if as_json:
        console.print_json({"directory": str(out), "users": sorted(files.passwords)})
        return
    steps = [
        ("passwords", f"note each device's, then hash them: mosquitto_passwd -U {out / 'passwords'}"),
        ("acl", "who may write where; copy it as it is"),
        ("mosquitto.conf", f"copy all three to {folder}"),
        ("data/", f"mkdir {folder}/data; chown -R mosquitto {folder}; then mosquitto -c {folder}/mosquitto.conf"),
    ]
    console.table(("file", "what to do with it"), steps)
    if not no_tls:
        console.say(f"TLS: put ca.crt, broker.crt and broker.key into {folder}; docs/devices.md says how to make them.")


def _store(path: Path) -> Store:
    from jwo_cli.layouts.load import load
    from jwo_cli.layouts.settings import SETTINGS_FILE, read_settings

    layout = read_settings(path).layout if (path / SETTINGS_FILE).is_file() else path
    store, findings = load(layout)
    if store is None:
        raise UserError(f"{layout} has faults", fix="`jwo layout validate` lists them.", findings=findings)
    return store
