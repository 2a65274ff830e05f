"""A browser with an eye on everything that it asks for and complains about, and customers in every state."""

import concurrent.futures
import pathlib
import subprocess

import axe_playwright_python
import pytest
from playwright.sync_api import sync_playwright

from world import Stack

ROOT = pathlib.Path(__file__).parent.parent.parent
AXE = (pathlib.Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
DESKTOP = {"width": 1200, "height": 900}
PHONE = {"width": 360, "height": 740}
CAPABILITIES = ["ec2-power", "dynamodb-backup"]
REGIONS = ["eu-central-1", "us-east-1"]


def pytest_addoption(parser):
    parser.addoption("--screenshots", help="the folder that pictures of the page are put into")


@pytest.fixture(scope="session")
def stack():
    return Stack.of_environment()


@pytest.fixture(scope="session")
def chromium():
    path = subprocess.run([ROOT / "infra/chromium.sh"], check=True, capture_output=True, text=True).stdout.strip()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


class Visit:
    """A browser of one customer's, and what it was seen to do."""

    def __init__(self, chromium, stack, **settings):
        self._api_url = stack.api_url
        self.context = chromium.new_context(**{"viewport": DESKTOP, **settings})
        self.context.set_default_timeout(20_000)
        self.requests, self.complaints, self.sizes = [], [], {}
        self.page = self.context.new_page()
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("response", lambda response: self.sizes.update({response.url: response}))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._hear)

    def _hear(self, message):
        # That the server refused what a test meant it to refuse is no complaint.
        refused = message.text.startswith("Failed to load resource: the server responded with a status of 4")
        if message.type in ("error", "warning") and not refused:
            self.complaints.append(message.text)

    def open(self, link):
        self.page.goto(link)
        return self.page

    def state(self, state):
        self.page.wait_for_selector(f"#progress[data-state={state}]", state="attached")

    def settled(self):
        self.page.wait_for_selector("#progress:not([data-busy])", state="attached")

    def findings(self):
        """What axe-core finds that is serious or worse."""
        self.page.evaluate(AXE)
        violations = self.page.evaluate("async () => (await axe.run()).violations")
        return [
            f"{violation['id']}: {[node['html'][:200] for node in violation['nodes']]}"
            for violation in violations
            if violation["impact"] in ("serious", "critical")
        ]

    def unfold(self):
        for details in self.page.query_selector_all("details:not([open])"):
            details.evaluate("details => { details.open = true }")

    def scrolls_sideways(self):
        return self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")

    def close(self):
        self.context.close()
        # Whatever a test was about: nothing left the machine, and nothing was refused by the page's own policy.
        elsewhere = [url for url in self.requests if not url.startswith(self._api_url + "/onboard/")]
        assert not elsewhere, elsewhere
        assert not self.complaints, self.complaints


@pytest.fixture
def visit(chromium, stack):
    visits = []

    def begin(**settings):
        visits.append(Visit(chromium, stack, **settings))
        return visits[-1]

    yield begin
    for one in visits:
        one.close()


@pytest.fixture
def customer(stack):
    return stack.customer(CAPABILITIES, REGIONS)




def without_starting():
    allowed = ["ec2:Describe*", "ec2:StopInstances", "ec2:RebootInstances", "dynamodb:*"]
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": allowed, "Resource": "*"}]}


@pytest.fixture(scope="session")
def links(stack):
    """The link of a customer in each state that lasts, and of one whose link has ended."""

    def pending(one):
        return None

    def failed(one):
        one.onboarded(trust=one.open_trust())

    def degraded(one):
        one.onboarded(permissions=without_starting())

    def active(one):
        one.onboarded()

    def suspended(one):
        one.onboarded()
        one.trust(one.look()["role_name"], one.open_trust())
        one.verify()
        one.settled()

    def gone(one):
        one.revoke_link()

    def make(bring):
        one = stack.customer(CAPABILITIES, REGIONS)
        bring(one)
        return bring.__name__, one.link

    states = [pending, failed, degraded, active, suspended, gone]
    with concurrent.futures.ThreadPoolExecutor() as together:
        return dict(together.map(make, states))
