"""What the emulator's EC2 does otherwise than AWS, mended, so that what is tried on it is tried on EC2's rules.

Every action goes through one gate, in AWS's order: authorized on each resource that it names, then whether its
parameters and what they name are there, then DryRun, and only then the act. Unless another document is named, the
source is the EC2 API Reference: the action's own page, "Error codes for the Amazon EC2 API", "Pagination".
"""

import base64
import functools
import hashlib
import html
import re
import xml.etree.ElementTree as ElementTree

from authorization import refused
from ec2_actions import ACTIONS, AROUND, Refused, deregistered, find_image, tag_specifications, values_of

NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"


def mend_ec2():
    from ministack.services import ec2

    authorize_every_resource(ec2)
    launch_from_made_images(ec2)
    filter_instances(ec2)
    show_all_of_instances(ec2)
    actions = ec2._ACTION_MAP
    for name, act in ACTIONS.items():
        actions[name] = functools.partial(act, ec2)
    for name, around in AROUND.items():
        actions[name] = functools.partial(around, ec2, actions[name])
    for name in PAGES:
        actions[name] = functools.partial(in_pages, ec2, name, actions[name])
    for name, act in list(actions.items()):
        actions[name] = functools.partial(through_gate, ec2, name, act)


# What an action names, on which it is authorized.


def authorize_every_resource(ec2):
    """AWS authorizes an action on every resource that it reads or makes, with these ARNs (Service Authorization
    Reference, "Actions, resources, and condition keys for Amazon EC2"), and describing on none. The emulator takes the
    first id of the request, whatever the action, and owns AWS's images and snapshots with the caller's account."""
    from ministack.core import iam_actions, iam_evaluator

    extract, extract_further = iam_actions.extract_resource_arn, iam_actions.verified_access_resource_arns
    enforce = iam_evaluator.enforce

    @functools.wraps(extract)
    def first(service, method, path, headers, body, params, region, account_id):
        arns = resources_of(ec2, params, region, account_id) if service == "ec2" else None
        return arns[0] if arns else extract(service, method, path, headers, body, params, region, account_id)

    @functools.wraps(extract_further)
    def all_of_them(params, region, account_id):
        return resources_of(ec2, params, region, account_id) or extract_further(params, region, account_id)

    @functools.wraps(enforce)
    def with_tags(access_key_id, iam_action, service, region, resource_arn="*", service_context=None):
        # The condition keys ec2:ResourceTag and aws:ResourceTag, which the emulator leaves empty.
        context = dict(service_context or {})
        if iam_action.startswith("ec2") and resource_arn.startswith("arn:aws:ec2:"):
            context["ec2:Region"] = region
            for tag in ec2._tags.get(resource_arn.rsplit("/", 1)[-1], []):
                context[f"ec2:ResourceTag/{tag['Key']}"] = tag["Value"]
                context[f"aws:ResourceTag/{tag['Key']}"] = tag["Value"]
        return enforce(access_key_id, iam_action, service, region, resource_arn, context)

    iam_actions.extract_resource_arn = first
    iam_actions.verified_access_resource_arns = all_of_them
    iam_evaluator.enforce = with_tags


def resources_of(ec2, params, region, account):
    """The ARNs that an action is authorized on; None where the emulator's own choice has to do."""
    action = ec2._p(params, "Action")
    if action.startswith("Describe") and "VerifiedAccess" not in action:
        return ["*"]

    def arns(kind, names):
        # Images and snapshots have no account in their ARNs.
        owner = "" if kind in ("image", "snapshot") else account
        return [f"arn:aws:ec2:{region}:{owner}:{kind}/{name}" for name in names]

    if action in ("StartInstances", "StopInstances", "RebootInstances", "TerminateInstances"):
        return arns("instance", values_of(params, "InstanceId"))
    if action in ("CreateTags", "DeleteTags"):
        return [
            arn for name in values_of(params, "ResourceId") for arn in arns(ec2._guess_resource_type(name), [name])
        ]
    if action == "CreateSnapshots":
        instance = ec2._p(params, "InstanceSpecification.InstanceId")
        volumes = [one["VolumeId"] for one in ec2._volumes.values() if is_attached(one, instance)]
        return arns("instance", [instance]) + arns("volume", volumes or ["*"]) + arns("snapshot", ["*"])
    if action == "CreateImage":
        return arns("instance", [ec2._p(params, "InstanceId")]) + arns("image", ["*"]) + arns("snapshot", ["*"])
    if action == "DeregisterImage":
        return arns("image", [ec2._p(params, "ImageId")])
    if action == "DeleteSnapshot":
        return arns("snapshot", [ec2._p(params, "SnapshotId")])
    if action == "RunInstances":
        subnets = values_of(params, "SubnetId") or values_of(params, "NetworkInterface.1.SubnetId")
        groups = values_of(params, "SecurityGroupId") or values_of(params, "NetworkInterface.1.SecurityGroupId")
        return (
            arns("instance", ["*"])
            + arns("image", [ec2._p(params, "ImageId")])
            + arns("subnet", subnets or [ec2._DEFAULT_SUBNET_ID])
            + arns("network-interface", ["*"])
            + arns("security-group", groups or [ec2._DEFAULT_SG_ID])
            + arns("volume", ["*"])
            + arns("key-pair", values_of(params, "KeyName"))
        )
    return None


def is_attached(volume, instance):
    return any(one["InstanceId"] == instance for one in volume.get("Attachments", ()))


def ask_what_follows(ec2, action, params):
    """An action that tags what it makes needs ec2:CreateTags for it, with ec2:CreateAction (EC2 User Guide, "Grant
    permission to tag Amazon EC2 resources during creation"), and one that gives an instance a role needs iam:PassRole
    (IAM User Guide, "Grant a user permissions to pass a role to an AWS service"). The emulator asks for neither."""
    from ministack.core.responses import get_account_id, get_region
    from ministack.services import iam

    if action not in ("CreateTags", "DeleteTags"):
        for kind, tags in tag_specifications(ec2, params):
            owner = "" if kind in ("image", "snapshot") else get_account_id()
            context = {f"aws:RequestTag/{tag['Key']}": tag["Value"] for tag in tags}
            context |= {"ec2:CreateAction": action, "aws:TagKeys": [tag["Key"] for tag in tags]}
            ask("ec2:CreateTags", f"arn:aws:ec2:{get_region()}:{owner}:{kind}/*", context)
    if action == "CreateSnapshots" and ec2._p(params, "CopyTagsFromSource"):
        ask("ec2:CreateTags", f"arn:aws:ec2:{get_region()}::snapshot/*", {"ec2:CreateAction": action})
    if action == "RunInstances":
        name, arn = (ec2._p(params, f"IamInstanceProfile.{part}") for part in ("Name", "Arn"))
        profile = iam._lookup_instance_profile(name=name, arn=arn) if name or arn else None
        for role in (profile or {}).get("Roles", ()):
            role = iam._roles.get(role) if isinstance(role, str) else role
            if role:
                ask("iam:PassRole", role["Arn"], {"iam:PassedToService": "ec2.amazonaws.com"})


def ask(action, arn, context):
    response = refused("ec2", action, arn, context)
    if response:
        raise Denied(response)


class Denied(Exception):
    def __init__(self, response):
        super().__init__()
        self.response = response


# The gate.


def through_gate(ec2, action, act, params):
    """`DryRun` "checks whether you have the required permissions for the action, without actually making the request,
    and provides an error response" either way (EC2 API Reference); the emulator acts. And AWS refuses what names a
    thing that is not there, in every action; the emulator only in some."""
    try:
        ask_what_follows(ec2, action, params)
        for name in REQUIRED.get(action, ()):
            if not values_of(params, name):
                raise Refused("MissingParameter", f"The request must contain the parameter {name}")
        if action in CHECKED:
            for name, prefix in NAMING.items():
                for value in values_of(params, name):
                    check(ec2, value, prefix)
        if action == "RunInstances":
            for name in values_of(params, "KeyName"):
                if name not in ec2._key_pairs:
                    raise Refused("InvalidKeyPair.NotFound", f"The key pair '{name}' does not exist")
        if ec2._p(params, "DryRun").lower() == "true":
            raise Refused("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)
        return act(params)
    except Denied as denied:
        return denied.response
    except Refused as refused:
        return ec2._error(refused.code, html.escape(str(refused), quote=False), refused.status)


REQUIRED = {
    "StartInstances": ("InstanceId",),
    "StopInstances": ("InstanceId",),
    "RebootInstances": ("InstanceId",),
    "TerminateInstances": ("InstanceId",),
    "CreateTags": ("ResourceId",),
    "DeleteTags": ("ResourceId",),
    "CreateSnapshots": ("InstanceSpecification.InstanceId",),
    "CreateImage": ("InstanceId", "Name"),
    "DeleteSnapshot": ("SnapshotId",),
    "DeregisterImage": ("ImageId",),
    "RunInstances": ("ImageId", "MinCount", "MaxCount"),
}
# Where everything that is named must exist.
CHECKED = {
    *REQUIRED,
    "CreateSnapshot",
    "DescribeInstances",
    "DescribeInstanceStatus",
    "DescribeVolumes",
    "DescribeVolumeStatus",
    "DescribeSecurityGroups",
    "DescribeRouteTables",
    "DescribeSubnets",
    "DescribeVpcs",
    "DescribeImages",
    "DescribeSnapshots",
}
# The parameters that name things, and how their ids begin.
NAMING = {
    "InstanceId": "i-",
    "InstanceSpecification.InstanceId": "i-",
    "VolumeId": "vol-",
    "SnapshotId": "snap-",
    "ImageId": "ami-",
    "SubnetId": "subnet-",
    "NetworkInterface.1.SubnetId": "subnet-",
    "VpcId": "vpc-",
    "GroupId": "sg-",
    "SecurityGroupId": "sg-",
    "NetworkInterface.1.SecurityGroupId": "sg-",
    "RouteTableId": "rtb-",
    "ResourceId": None,
}
# By an id's beginning: the emulator's store, and what AWS says of an id that is malformed or absent.
KINDS = {
    "i-": ("_instances", "InvalidInstanceID", "The instance ID '{}' does not exist"),
    "vol-": ("_volumes", "InvalidVolume", "The volume '{}' does not exist."),
    "snap-": ("_snapshots", "InvalidSnapshot", "The snapshot '{}' does not exist."),
    "ami-": ("_images", "InvalidAMIID", "The image id '[{}]' does not exist"),
    "subnet-": ("_subnets", "InvalidSubnetID", "The subnet ID '{}' does not exist"),
    "vpc-": ("_vpcs", "InvalidVpcID", "The vpc ID '{}' does not exist"),
    "sg-": ("_security_groups", "InvalidGroup", "The security group '{}' does not exist"),
    "rtb-": ("_route_tables", "InvalidRouteTableID", "The routeTable ID '{}' does not exist"),
}
MALFORMED = {
    "vol-": "InvalidVolumeID.Malformed",
    "snap-": "InvalidSnapshotID.Malformed",
    "sg-": "InvalidGroupId.Malformed",
    "rtb-": "InvalidRouteTableId.Malformed",
}


def check(ec2, value, prefix):
    if prefix is None:
        prefix = next((known for known in KINDS if value.startswith(known)), None)
        if prefix is None:
            # A kind that nothing here is about.
            if not re.fullmatch(r"[a-z]+-[0-9a-f]{8,17}", value):
                raise Refused("InvalidID", f"The ID '{value}' is not valid")
            return
    store, code, message = KINDS[prefix]
    if not re.fullmatch(re.escape(prefix) + "([0-9a-f]{8}|[0-9a-f]{17})", value):
        raise Refused(MALFORMED.get(prefix, f"{code}.Malformed"), f'Invalid id: "{value}"')
    if prefix == "ami-":
        if value in deregistered:
            raise Refused("InvalidAMIID.Unavailable", f"The image ID '{value}' is no longer available")
        if find_image(ec2, value):
            return
    elif value in getattr(ec2, store):
        return
    raise Refused(f"{code}.NotFound", message.format(value))


# Describing.


def launch_from_made_images(ec2):
    """An image is made of snapshots, and whoever sees it can launch it. The emulator takes every image for a container
    to start and refuses those that are none, so it is told of containers' images only. It also describes an image that
    has no description."""
    original, view = ec2._registered_image, ec2._image_view
    ec2._visible_image = original
    ec2._image_view = lambda image: {**view(image), "Description": image["Description"]}

    def container_image(image_id):
        image = original(image_id)
        return image if image and image.get("ImageLocation") else None

    ec2._registered_image = container_image
    ec2._any_image_registered = lambda: any(image.get("ImageLocation") for image in ec2._images.all_values())


# How DescribeInstances reads its filters, save those for tags. The emulator knows three and lets every other pass.
INSTANCE_FILTERS = {
    "architecture": lambda one: [one["Architecture"]],
    "availability-zone": lambda one: [one["Placement"]["AvailabilityZone"]],
    "client-token": lambda one: [one.get("ClientToken", "")],
    "image-id": lambda one: [one["ImageId"]],
    "instance-id": lambda one: [one["InstanceId"]],
    "instance-state-code": lambda one: [str(one["State"]["Code"])],
    "instance-state-name": lambda one: [one["State"]["Name"]],
    "instance-type": lambda one: [one["InstanceType"]],
    "instance.group-id": lambda one: [group["GroupId"] for group in one["SecurityGroups"]],
    "ip-address": lambda one: [one["PublicIpAddress"]],
    "key-name": lambda one: [one.get("KeyName") or ""],
    "private-ip-address": lambda one: [one["PrivateIpAddress"]],
    "root-device-name": lambda one: [one["RootDeviceName"]],
    "root-device-type": lambda one: [one["RootDeviceType"]],
    "subnet-id": lambda one: [one["SubnetId"]],
    "vpc-id": lambda one: [one["VpcId"]],
}


def filter_instances(ec2):
    def matches(instance, filters):
        for name, wanted in filters.items():
            if name.startswith("tag:") or name in ("tag-key", "tag-value"):
                continue
            if name not in INSTANCE_FILTERS:
                raise Refused("InvalidParameterValue", f"The filter '{name}' is invalid")
            found = INSTANCE_FILTERS[name](instance)
            if not any(ec2._glob_match(pattern, value) for pattern in wanted for value in found):
                return False
        return ec2._resource_matches_tag_filters(instance["InstanceId"], filters)

    ec2._matches_filters = matches


def show_all_of_instances(ec2):
    """AWS shows an instance's metadata options and client token, why it stopped, and no public address of one that is
    not running; the emulator keeps none of the former, and the address."""
    original = ec2._instance_xml

    def complete(instance):
        options = "".join(f"<{name}>{value}</{name}>" for name, value in instance.get("MetadataOptions", {}).items())
        further = f"<metadataOptions>{options}</metadataOptions>" if options else ""
        if instance.get("ClientToken"):
            further += f"<clientToken>{ec2._esc(instance['ClientToken'])}</clientToken>"
        reason, ended = "", instance["State"]["Name"] in ("stopped", "terminated")
        if ended and instance.get("EndedAt"):
            reason = f"User initiated ({instance['EndedAt']})"
            code = "Client.UserInitiatedShutdown"
            message = f"{code}: User initiated shutdown"
            further += f"<stateReason><code>{code}</code><message>{message}</message></stateReason>"
        further += f"<reason>{reason}</reason><ebsOptimized>false</ebsOptimized>"
        if ended:
            instance = {**instance, "PublicIpAddress": "", "PublicDnsName": ""}
        shown = original(instance).replace("<ipAddress></ipAddress>", "")
        return shown.removesuffix("</item>") + further + "</item>"

    ec2._instance_xml = complete


# The list that an action answers with, the bounds of MaxResults, and the parameter that excludes it.
PAGES = {
    "DescribeInstances": ("reservationSet", 5, 1000, "InstanceId"),
    "DescribeInstanceStatus": ("instanceStatusSet", 5, 1000, "InstanceId"),
    "DescribeInstanceTypes": ("instanceTypeSet", 5, 100, "InstanceType"),
    "DescribeImages": ("imagesSet", 1, 1000, None),
    "DescribeRouteTables": ("routeTableSet", 5, 100, None),
    "DescribeSecurityGroups": ("securityGroupInfo", 5, 1000, None),
    "DescribeSnapshots": ("snapshotSet", 5, 1000, "SnapshotId"),
    "DescribeSubnets": ("subnetSet", 5, 1000, None),
    "DescribeTags": ("tagSet", 5, 1000, None),
    "DescribeVolumes": ("volumeSet", 5, 1000, "VolumeId"),
    "DescribeVolumeStatus": ("volumeStatusSet", 5, 1000, "VolumeId"),
    "DescribeVpcs": ("vpcSet", 5, 1000, None),
}


def in_pages(ec2, action, act, params):
    """AWS gives at most MaxResults and a token for the rest; the emulator gives all. (Each of its reservations holds
    one instance, so that counting reservations counts instances.)"""
    listed, least, most, excluding = PAGES[action]
    asked, token = ec2._p(params, "MaxResults"), ec2._p(params, "NextToken")
    if asked:
        if not asked.isdigit() or not least <= int(asked) <= most:
            raise Refused(
                "InvalidParameterValue",
                f"Value ( {asked} ) for parameter maxResults is invalid. Expecting a value between {least} and {most}.",
            )
        if excluding and values_of(params, excluding):
            raise Refused(
                "InvalidParameterCombination",
                f"The parameter {excluding} cannot be used with the parameter maxResults",
            )
    # A token belongs to the question that it continues.
    question = sorted((key, value) for key, value in params.items() if key not in ("MaxResults", "NextToken"))
    mark = hashlib.sha256(repr((action, question)).encode()).hexdigest()[:16]
    start = 0
    if token:
        try:
            continued, _, number = base64.urlsafe_b64decode(token).decode().partition(":")
            start = int(number)
        except ValueError:
            continued = None
        if continued != mark:
            raise Refused("InvalidNextToken", "The specified NextToken is not valid.")
    status, headers, body = act(params)
    if status != 200 or not (asked or token):
        return status, headers, body
    ElementTree.register_namespace("", NAMESPACE)
    answer = ElementTree.fromstring(body)
    items = answer.find(f"{{{NAMESPACE}}}{listed}")
    everything, end = list(items), start + int(asked or most)
    for number, item in enumerate(everything):
        if not start <= number < end:
            items.remove(item)
    if end < len(everything):
        following = ElementTree.SubElement(answer, f"{{{NAMESPACE}}}nextToken")
        following.text = base64.urlsafe_b64encode(f"{mark}:{end}".encode()).decode()
    return status, headers, ElementTree.tostring(answer, encoding="utf-8", xml_declaration=True)
