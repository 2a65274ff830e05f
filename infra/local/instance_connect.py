"""EC2 Instance Connect, of which the emulator has nothing: SendSSHPublicKey.

Source: EC2 Instance Connect API Reference, SendSSHPublicKey; Service Authorization Reference, "Actions, resources, and
condition keys for Amazon EC2 Instance Connect". Refusals are the JSON protocol's AccessDeniedException.
"""

import functools
import json
import re

SERVICE = "ec2-instance-connect"
INSTANCE_ID = re.compile(r"i-[a-f0-9]{8,30}")
USER = re.compile(r"[A-Za-z0-9_@.][A-Za-z0-9_@.$-]{0,31}")
KEY = re.compile(r"(ssh-(rsa|ed25519)|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/=]{60,}( .*)?\s*")


def serve_instance_connect():
    from ministack import app
    from ministack.core import iam_actions, router

    router.SERVICE_PATTERNS[SERVICE] = {"target_prefixes": ["AWSEC2InstanceConnectService"]}
    iam_actions.SERVICE_TO_IAM_NAMESPACE[SERVICE] = SERVICE
    app.SERVICE_HANDLERS[SERVICE] = answer
    authorize_on_instance(iam_actions)


def authorize_on_instance(iam_actions):
    """On the instance, with the user's name as ec2:osuser."""
    extract, context = iam_actions.extract_resource_arn, iam_actions.request_tag_context

    @functools.wraps(extract)
    def with_instance(service, method, path, headers, body, params, region, account_id):
        if service == SERVICE:
            name = parsed(body).get("InstanceId", "")
            return f"arn:aws:ec2:{region}:{account_id}:instance/{name}" if name else "*"
        return extract(service, method, path, headers, body, params, region, account_id)

    @functools.wraps(context)
    def with_user(service, iam_action, body, params):
        if service == SERVICE:
            return {"ec2:osuser": parsed(body).get("InstanceOSUser")}
        return context(service, iam_action, body, params)

    iam_actions.extract_resource_arn = with_instance
    iam_actions.request_tag_context = with_user


async def answer(_method, _path, headers, body, _query_params):
    from ministack.core.responses import new_uuid
    from ministack.services import ec2

    if headers.get("x-amz-target", "").rsplit(".", 1)[-1] != "SendSSHPublicKey":
        return refusal("UnknownOperationException", None)
    request = parsed(body)
    instance_id, zone = request.get("InstanceId") or "", request.get("AvailabilityZone")
    if not INSTANCE_ID.fullmatch(instance_id):
        return refusal("InvalidArgsException", "The instance ID is not valid.")
    if not USER.fullmatch(request.get("InstanceOSUser") or ""):
        return refusal("InvalidArgsException", "The OS user is not valid.")
    if not KEY.fullmatch(request.get("SSHPublicKey") or ""):
        return refusal("InvalidArgsException", "The public key is not valid.")
    instance = ec2._instances.get(instance_id)
    if instance is None or (zone and zone != instance["Placement"]["AvailabilityZone"]):
        return refusal("EC2InstanceNotFoundException", "Instance not found.")
    if instance["State"]["Name"] != "running":
        return refusal("EC2InstanceStateInvalidException", "The instance is not in a valid state.")
    return 200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(
        {"RequestId": new_uuid(), "Success": True}
    ).encode()


def refusal(code, message):
    body = {"__type": code, **({"Message": message} if message else {})}
    status = 404 if code == "EC2InstanceNotFoundException" else 400
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(body).encode()


def parsed(body):
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
