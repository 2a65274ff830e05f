"""Pictures of the page for people: `make screenshots`."""

import io
import pathlib

import pytest
from conftest import DESKTOP, PHONE
from PIL import Image

LOOKS = {
    "light": {"viewport": DESKTOP},
    "dark": {"viewport": DESKTOP, "color_scheme": "dark"},
    "phone": {"viewport": {**PHONE, "width": 400}, "device_scale_factor": 1.5, "is_mobile": True, "has_touch": True},
}
# What a picture may weigh, in bytes, for they are kept with the sources.
HEAVIEST = 150_000


@pytest.fixture
def keep(request):
    folder = request.config.getoption("--screenshots")
    if not folder:
        pytest.skip("pictures are made by `make screenshots`")
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)

    def save(page, name):
        picture = Image.open(io.BytesIO(page.screenshot(full_page=True, animations="disabled"))).convert("RGB")
        path = folder / f"{name}.png"
        picture.quantize(96, Image.Quantize.MAXCOVERAGE, kmeans=3, dither=Image.Dither.NONE).save(path, optimize=True)
        assert path.stat().st_size < HEAVIEST, f"{path}: {path.stat().st_size}"

    return save


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("state", ["pending", "failed", "degraded", "active", "suspended", "gone"])
def test_picture_of_a_state(keep, visit, links, state, look):
    page = visit(**LOOKS[look]).open(links[state])
    page.wait_for_timeout(400)
    if state == "degraded":
        page.locator("#checks-ec2-power summary").click()
        page.evaluate("document.activeElement.blur()")
    keep(page, f"{state}-{look}")


@pytest.mark.parametrize("look", LOOKS)
def test_picture_of_what_moves(keep, visit, stack, customer, look):
    seen = visit(**LOOKS[look])
    page = seen.open(customer.link)
    page.get_by_label("ARN of the role").fill("arn:aws:iam::1234:role/drawbridge-role")
    page.get_by_label("ARN of the role").blur()
    keep(page, f"mistake-{look}")
    page.get_by_label("ARN of the role").fill(customer.make_role())
    page.get_by_role("button", name="Verify and connect").click()
    page.locator(".milestones .done").first.wait_for()
    keep(page, f"verifying-{look}")
