"""The deployed stack as its people see it: the operator by the API, the customer by IAM and the page."""

import json
import os
import pathlib
import time
import urllib.request
import uuid

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

PATIENCE_SECONDS = 30
EVERYTHING = {
    "Version": "2012-10-17",
    "Statement": [{
        "Effect": "Allow",
        "Action": ["ec2:*", "ec2-instance-connect:*", "dynamodb:*", "kms:CreateGrant"],
        "Resource": "*",
    }],
}


class Stack:
    """What stack.json tells, and requests that the operator signs."""

    def __init__(self, path):
        self.told = json.loads(pathlib.Path(path).read_text())
        self.api_url = self.told["api_url"]
        self.region = self.told["region"]

    @classmethod
    def of_environment(cls):
        return cls(os.environ["DRAWBRIDGE_STACK"])

    def ask(self, method, path, body=None):
        data = json.dumps(body).encode() if body is not None else b""
        request = AWSRequest(method, self.api_url + path, data=data, headers={"Content-Type": "application/json"})
        keys = self.told["operator"]
        signer = SigV4Auth(Credentials(keys["access_key_id"], keys["secret_access_key"]), "execute-api", self.region)
        signer.add_auth(request)
        signed = urllib.request.Request(
            request.url, data=data or None, method=method, headers=dict(request.headers)
        )
        with urllib.request.urlopen(signed) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def customer(self, capabilities, regions, **more):
        """A new customer with a connection, and an AWS account that nobody else uses."""
        made = self.ask("POST", "/v1/customers", {"name": "Customer"})
        wanted = {"capabilities": capabilities, "regions": regions, **more}
        connection = self.ask("POST", f"/v1/customers/{made['customer_id']}/connections", wanted)
        return Customer(self, connection)


class Customer:
    """One customer: their account, their connection, and their link."""

    def __init__(self, stack, connection):
        self._stack = stack
        self.connection_id = connection["connection_id"]
        self.link = connection["invite_url"]
        self.account_id = connection["account_id"] or str(400_000_000_000 + uuid.uuid4().int % 500_000_000_000)
        session = boto3.Session(
            aws_access_key_id=self.account_id, aws_secret_access_key="root", region_name=stack.region
        )
        self._iam = session.client("iam", endpoint_url=stack.told["endpoint_url"])

    @property
    def path(self):
        return f"/v1/connections/{self.connection_id}"

    def look(self):
        return self._stack.ask("GET", self.path)

    def setup(self):
        return self._stack.ask("GET", f"{self.path}/setup")

    def make_role(self, name=None, trust=None, permissions=None):
        """A role as the setup says, but for what is given; its ARN."""
        name = name or self.look()["role_name"]
        trust = trust or self.setup()["trust_policy"]
        arn = self._iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        self.permit(name, permissions or EVERYTHING)
        return arn

    def permit(self, name, permissions):
        self._iam.put_role_policy(
            RoleName=name, PolicyName="drawbridge", PolicyDocument=json.dumps(permissions)
        )

    def trust(self, name, trust):
        self._iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))

    def open_trust(self):
        """A trust policy that lets the provider in without an external ID."""
        trust = self.setup()["trust_policy"]
        del trust["Statement"][0]["Condition"]["StringEquals"]
        return trust

    def submit(self, role):
        self._stack.ask("PUT", f"{self.path}/role", {"role_arn": role})

    def verify(self):
        self._stack.ask("POST", f"{self.path}/verify", {})

    def settled(self):
        """The connection, once no verification is going on."""
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            connection = self.look()
            if connection["verification"] == "idle" and connection["state"] != "verifying":
                return connection
            time.sleep(0.1)
        raise AssertionError(f"it is still being verified: {connection['state']}")

    def revoke_link(self):
        self._stack.ask("DELETE", f"{self.path}/invite")

    def onboarded(self, **role):
        self.submit(self.make_role(**role))
        return self.settled()
