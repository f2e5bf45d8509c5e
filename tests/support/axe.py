"""axe-core over a page in the browser."""

from functools import cache

from playwright.sync_api import Page

from inference_server.console import vendor


@cache
def axe_script() -> str:
    """The library, built where it was not."""
    vendor.build(dev=True)
    return (vendor.VENDOR / "dev" / "axe.min.js").read_text("utf-8")


def serious(page: Page, axe: str) -> list[str]:
    """What axe calls serious or critical, with the elements."""
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert found["passes"], "axe has looked at nothing"
    return [
        f"{fault['id']}: {fault['help']}: {[node['html'][:160] for node in fault['nodes'][:4]]}"
        for fault in found["violations"]
        if fault["impact"] in ("serious", "critical")
    ]
