"""The customer's page in a browser, on the deployed stack."""

import re

import pytest
from conftest import CAPABILITIES, PHONE, REGIONS

LASTING = ["pending", "failed", "degraded", "active", "suspended", "gone"]


def test_from_the_link_to_active(visit, customer):
    seen = visit()
    page = seen.open(customer.link)
    assert page.get_by_text("Start, stop and reboot instances").is_visible()
    page.get_by_text("Trust policy: who may use the role").click()
    assert customer.look()["external_id"] in page.locator("pre:visible").first.inner_text()
    page.get_by_label("ARN of the role").fill(customer.make_role())
    page.get_by_role("button", name="Verify and connect").click()
    seen.state("verifying")
    seen.state("active")
    seen.settled()
    assert page.get_by_role("heading", level=1).inner_text() == "Your account is connected"
    assert "Northwind Cloud can now do" in page.locator("main").inner_text()
    assert "Last verified" in page.locator("main").inner_text()
    assert customer.look()["role_name"] in page.get_by_text("delete the role").first.inner_text()
    # It knows that it is done.
    asked = len(seen.requests)
    page.wait_for_timeout(1500)
    assert len(seen.requests) == asked
    small = sum(len(response.body()) for url, response in seen.sizes.items() if "/status" not in url)
    assert small < 50_000, small


def test_a_wrong_role_is_mended_and_verified_again(visit, customer):
    seen = visit(permissions=["clipboard-read", "clipboard-write"])
    page = seen.open(customer.link)
    page.get_by_label("ARN of the role").fill(customer.make_role(trust=customer.open_trust()))
    page.keyboard.press("Enter")
    seen.state("failed")
    assert page.get_by_role("heading", name="The role can be used without the external ID").is_visible()
    assert page.get_by_text("What to do:").first.is_visible()
    page.get_by_role("button", name="Copy: Mend the trust policy with the AWS CLI").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("aws iam update-assume-role-policy --role-name=")
    assert customer.look()["external_id"] in copied
    customer.trust(customer.look()["role_name"], customer.setup()["trust_policy"])
    page.get_by_role("button", name="I have mended it: verify again").click()
    seen.state("active")


def test_what_is_missing_is_told_with_a_patch(visit, stack, links):
    seen = visit()
    page = seen.open(links["degraded"])
    assert page.get_by_role("heading", name="A permission is missing").is_visible()
    assert "ec2:StartInstances" in page.locator("figure", has_text="patch").first.inner_text()
    page.locator("#checks-ec2-power summary").click()
    row = page.locator("#checks-ec2-power tr", has_text="ec2:StartInstances")
    assert row.inner_text().split() == ["ec2:StartInstances", "refused", "refused"]


def test_the_form_is_checked_at_once(visit, customer):
    seen = visit()
    page = seen.open(customer.link)
    field, error = page.get_by_label("ARN of the role"), page.locator("#role_error")
    for typed, told in [
        ("my-role-of-which-I-know-the-name-only", "begins with arn:"),
        ("arn:aws:iam::12345:role/the-name-of-a-role", "12 digits"),
        (f"arn:aws:iam::{'1' * 12}:role/the-name-of-a-role", "provider's account"),
        ("arn:aws:iam::222222222222:user/the-name-of-a-user", "not the ARN of a role"),
        ("arn:aws-cn:iam::222222222222:role/the-name", "partition"),
    ]:
        field.fill(typed)
        assert told in error.inner_text(), typed
        page.get_by_role("button", name="Verify and connect").click()
        assert field.evaluate("field => field === document.activeElement")
    field.fill("arn:aws:iam::222222222222:role/path/the-name")
    assert error.inner_text() == ""
    assert not any("/status" not in url and url != customer.link for url in seen.requests if "assets" not in url)


def test_with_the_keyboard_alone(visit, customer):
    seen = visit()
    page = seen.open(customer.link)
    page.wait_for_selector("[role=tab]")
    press, focused = page.keyboard.press, lambda: page.evaluate("document.activeElement.textContent.trim()")
    press("Tab")
    assert focused() == "Skip to the content"
    press("Enter")

    def tab_to(what):
        for _ in range(30):
            press("Tab")
            # What has the focus shows it.
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
            if what(page.evaluate("document.activeElement.outerHTML.slice(0, 300)")):
                return
        raise AssertionError("it cannot be reached")

    tab_to(lambda html: 'role="tab"' in html)
    press("ArrowRight")
    assert focused() == "Terraform" and page.locator("#terraform").is_visible()
    press("End")
    assert focused() == "Console" and page.locator("#console").is_visible()
    assert page.locator("#cloudformation").is_hidden()
    press("ArrowRight")
    assert focused() == "CloudFormation"
    tab_to(lambda html: 'id="role_arn"' in html)
    page.keyboard.type(customer.make_role())
    press("Enter")
    seen.state("active")


def test_without_javascript(visit, customer):
    seen = visit(java_script_enabled=False)
    page = seen.open(customer.link)
    for way in ["cloudformation", "terraform", "cli", "console"]:
        assert page.locator(f"#{way}").is_visible(), way
    assert page.get_by_role("button", name=re.compile("Copy")).count() == 0
    assert page.locator("#look").is_hidden()
    page.get_by_label("ARN of the role").fill("my-role")
    page.get_by_role("button", name="Verify and connect").click()
    assert page.locator("#role_error").is_visible()
    assert page.get_by_label("ARN of the role").input_value() == "my-role"
    wrong = customer.make_role(trust=customer.open_trust())
    page.get_by_label("ARN of the role").fill(wrong)
    page.get_by_role("button", name="Verify and connect").click()
    # By its place, for Playwright takes no text of noscript for text.
    page.locator("#progress noscript p").wait_for()
    customer.settled()
    # By itself, with no script.
    page.get_by_role("heading", name="The role can be used without the external ID").wait_for()
    customer.trust(customer.look()["role_name"], customer.setup()["trust_policy"])
    page.get_by_role("button", name="I have mended it: verify again").click()
    customer.settled()
    page.reload()
    assert page.get_by_role("heading", level=1).inner_text() == "Your account is connected"


@pytest.mark.parametrize("state", LASTING)
def test_every_state_can_be_used_by_everybody(visit, links, state):
    for scheme in ("light", "dark"):
        seen = visit(color_scheme=scheme, reduced_motion="reduce")
        page = seen.open(links[state])
        page.wait_for_timeout(150)
        seen.unfold()
        assert seen.findings() == []
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        lightness = sum(int(channel) for channel in re.findall(r"\d+", ground)[:3])
        assert (lightness > 600) if scheme == "light" else (lightness < 120), ground


@pytest.mark.parametrize("state", LASTING)
def test_a_phone_is_wide_enough(visit, links, state):
    seen = visit(viewport=PHONE, is_mobile=True, has_touch=True, device_scale_factor=2)
    page = seen.open(links[state])
    page.wait_for_timeout(150)
    assert not seen.scrolls_sideways()
    seen.unfold()
    for tab in page.get_by_role("tab").all():
        tab.tap()
        assert not seen.scrolls_sideways(), tab.inner_text()


def test_while_it_is_verified_everybody_can_follow(visit, customer):
    seen = visit(color_scheme="dark")
    page = seen.open(customer.link)
    # One that is not there is looked for until the deadline.
    customer.submit(f"arn:aws:iam::{customer.account_id}:role/not-there")
    page.reload()
    seen.state("verifying")
    assert seen.findings() == []
    page.locator("#say", has_text="Verifying the role.").wait_for(state="attached")


def test_the_template_is_there_to_take(visit, customer):
    seen = visit()
    page = seen.open(customer.link)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the template").click()
    text = download.value.path().read_text()
    assert download.value.suggested_filename == "drawbridge-role.yaml"
    assert customer.look()["external_id"] in text and "AWSTemplateFormatVersion" in text


def test_a_role_that_is_looked_for_is_found(visit, customer):
    seen = visit()
    page = seen.open(customer.link)
    button = page.get_by_role("button", name="I have made the role: look for it")
    page.get_by_label("Your AWS account ID").fill("1234")
    button.click()
    assert "12 digits" in page.locator("#look_error").inner_text()
    account = customer.account_id
    page.get_by_label("Your AWS account ID").fill("-".join([account[:4], account[4:8], account[8:]]))
    button.click()
    page.get_by_text(re.compile(r"Tried \d+ time")).wait_for()
    assert seen.findings() == []
    # It is not there yet. Whoever asks again does not wait for the next attempt.
    customer.make_role()
    button.click()
    seen.state("active")
    assert customer.look()["account_id"] == account


def test_a_page_shows_one_customer_alone(visit, stack, customer):
    other = stack.customer(CAPABILITIES, REGIONS)
    page = visit().open(customer.link)
    shown = page.content()
    assert customer.link.rsplit("/", 1)[-1] in shown
    for secret in (other.link.rsplit("/", 1)[-1], other.look()["external_id"]):
        assert secret not in shown
