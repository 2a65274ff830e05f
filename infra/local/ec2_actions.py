"""The actions of EC2 that the emulator lacks, and what it leaves out of others. Sources: EC2 API Reference, each
action's page, and its "Error codes for the Amazon EC2 API"."""

import hashlib
import json
import re

# Images that were deregistered: AWS says of them that they are gone, not that they never were.
deregistered = set()
# Launches by account, Region and client token: what was asked, and the instances that it made.
_launches = {}


class Refused(Exception):
    """An answer other than the one that was asked for."""

    def __init__(self, code, message, status=400):
        super().__init__(message)
        self.code = code
        self.status = status


def values_of(params, name):
    """The values of a parameter, numbered or not."""
    found = []
    for key, value in params.items():
        head, _, number = key.rpartition(".")
        if key == name or (head == name and number.isdigit()):
            found.extend(value if isinstance(value, list) else [value])
    return [value for value in found if value]


def find_image(ec2, image_id):
    """An image as the caller sees it, of its own or another account, or one of AWS's."""
    image = ec2._visible_image(image_id)
    if image:
        return ec2._image_view(image)
    stubs = [stub for stub in ec2._STUB_AMIS if stub[0] == image_id]
    return ec2._stub_image_view(*stubs[0]) if stubs else None


def tag_specifications(ec2, params):
    """The kinds of things that a request wants to tag as it makes them, and with what."""
    number = 1
    while kind := ec2._p(params, f"TagSpecification.{number}.ResourceType"):
        yield kind, ec2._parse_tags(part_of(params, f"TagSpecification.{number}."))
        number += 1


def tags_for(ec2, params, wanted):
    return [tag for kind, tags in tag_specifications(ec2, params) if kind == wanted for tag in tags]


def part_of(params, prefix):
    return {key.removeprefix(prefix): value for key, value in params.items() if key.startswith(prefix)}


def is_true(ec2, params, name):
    return ec2._p(params, name).lower() == "true"


# Snapshots and images.


def take_snapshot(ec2, volume, description, tags):
    from ministack.core.responses import get_account_id

    snapshot_id = ec2._new_snapshot_id()
    ec2._snapshots[snapshot_id] = {
        "SnapshotId": snapshot_id,
        "VolumeId": volume["VolumeId"],
        "VolumeSize": volume["Size"],
        "Description": description,
        # On AWS it is pending until everything has been copied.
        "State": "completed",
        "StartTime": ec2._now_ts(),
        "Progress": "100%",
        "OwnerId": get_account_id(),
        "Encrypted": volume["Encrypted"],
        "StorageTier": "standard",
    }
    if tags:
        ec2._tags[snapshot_id] = tags
    return ec2._snapshots[snapshot_id]


def attached_volumes(ec2, instance_id):
    """An instance's volumes and the device of each, the root's first."""
    found = [
        (one["Device"], volume)
        for volume in ec2._volumes.values()
        for one in volume.get("Attachments", ())
        if one["InstanceId"] == instance_id
    ]
    root = ec2._instances[instance_id]["RootDeviceName"]
    return sorted(found, key=lambda pair: (pair[0] != root, pair[0]))


def create_snapshots(ec2, params):
    """One snapshot of each volume that is attached, all of one moment. The answer has them pending."""
    instance = ec2._instances[ec2._p(params, "InstanceSpecification.InstanceId")]
    excluded = set(values_of(params, "InstanceSpecification.ExcludeDataVolumeId"))
    without_boot = is_true(ec2, params, "InstanceSpecification.ExcludeBootVolume")
    copies = ec2._p(params, "CopyTagsFromSource")
    if copies not in ("", "volume"):
        raise Refused("InvalidParameterValue", f"Value ({copies}) for parameter CopyTagsFromSource is invalid.")
    attached = attached_volumes(ec2, instance["InstanceId"])
    data = {volume["VolumeId"] for device, volume in attached if device != instance["RootDeviceName"]}
    if unknown := excluded - data:
        raise Refused(
            "InvalidParameterValue",
            f"Volumes {sorted(unknown)} are not attached to instance '{instance['InstanceId']}' as data volumes",
        )
    items = ""
    for device, volume in attached:
        if volume["VolumeId"] in excluded or (without_boot and device == instance["RootDeviceName"]):
            continue
        tags = {tag["Key"]: tag for tag in (ec2._tags.get(volume["VolumeId"], []) if copies else [])}
        tags |= {tag["Key"]: tag for tag in tags_for(ec2, params, "snapshot")}
        snapshot = take_snapshot(ec2, volume, ec2._p(params, "Description"), [dict(tag) for tag in tags.values()])
        items += f"""<item>
            <description>{ec2._esc(snapshot["Description"])}</description>
            {ec2._tag_set_xml(snapshot["SnapshotId"])}
            <encrypted>{"true" if snapshot["Encrypted"] else "false"}</encrypted>
            <volumeId>{snapshot["VolumeId"]}</volumeId>
            <state>pending</state>
            <volumeSize>{snapshot["VolumeSize"]}</volumeSize>
            <startTime>{snapshot["StartTime"]}</startTime>
            <progress/>
            <ownerId>{snapshot["OwnerId"]}</ownerId>
            <snapshotId>{snapshot["SnapshotId"]}</snapshotId>
        </item>"""
    return ec2._xml(200, "CreateSnapshotsResponse", f"<snapshotSet>{items}</snapshotSet>")


def create_image(ec2, params):
    """An image of an instance, backed by a snapshot of each volume. On AWS it is pending until they are complete, here
    it is available at once; without NoReboot AWS also reboots the instance, which nobody can see here."""
    from ministack.core.responses import get_account_id

    instance, name = ec2._instances[ec2._p(params, "InstanceId")], ec2._p(params, "Name")
    if not ec2._AMI_NAME_RE.match(name):
        raise Refused(
            "InvalidAMIName.Malformed",
            "AMI names must be between 3 and 128 characters long, and may contain letters, numbers, '(', ')', '.', "
            "'-', '/' and '_'",
        )
    taken = [image["ImageId"] for image in ec2._images.values() if image["Name"] == name]
    if taken:
        raise Refused("InvalidAMIName.Duplicate", f"AMI name {name} is already in use by AMI {taken[0]}")
    if instance["State"]["Name"] not in ("running", "stopped"):
        raise Refused(
            "IncorrectState", f"Instance '{instance['InstanceId']}' is not in a state from which it can be imaged"
        )
    image_id, asked = ec2._new_image_id(), requested_devices(ec2, params)
    mappings = []
    for device, volume in attached_volumes(ec2, instance["InstanceId"]):
        wishes = asked.pop(device, {})
        if "NoDevice" in wishes:
            continue
        description = f"Created by CreateImage({instance['InstanceId']}) for {image_id}"
        snapshot = take_snapshot(ec2, volume, description, tags_for(ec2, params, "snapshot"))
        last = next(one["DeleteOnTermination"] for one in volume["Attachments"])
        mappings.append(
            {
                "DeviceName": device,
                "Ebs": {
                    "SnapshotId": snapshot["SnapshotId"],
                    "VolumeSize": wishes.get("Ebs.VolumeSize", str(volume["Size"])),
                    "VolumeType": wishes.get("Ebs.VolumeType", volume["VolumeType"]),
                    "DeleteOnTermination": wishes.get("Ebs.DeleteOnTermination", "true" if last else "false"),
                },
            }
        )
    ec2._images[image_id] = {
        "ImageId": image_id,
        "Name": name,
        "ImageLocation": "",
        "Description": ec2._p(params, "Description"),
        "Architecture": instance["Architecture"],
        "RootDeviceType": "ebs",
        "RootDeviceName": instance["RootDeviceName"],
        "BlockDeviceMappings": mappings,
        "VirtualizationType": "hvm",
        "CreationDate": ec2._now_ts(),
        "SourceInstanceId": instance["InstanceId"],
        "OwnerId": get_account_id(),
    }
    if tags := tags_for(ec2, params, "image"):
        ec2._tags[image_id] = tags
    return ec2._xml(200, "CreateImageResponse", f"<imageId>{image_id}</imageId>")


def requested_devices(ec2, params):
    """BlockDeviceMapping.N by device."""
    found, number = {}, 1
    while device := ec2._p(params, f"BlockDeviceMapping.{number}.DeviceName"):
        asked = part_of(params, f"BlockDeviceMapping.{number}.")
        found[device] = {name: ec2._p(asked, name) for name in asked}
        number += 1
    return found


def deregister_image(ec2, act, params):
    """DeleteAssociatedSnapshots deletes the image's snapshots with it; the emulator does not know it."""
    image_id = ec2._p(params, "ImageId")
    if image_id not in ec2._images:
        raise Refused("AuthFailure", f"Not authorized for image:{image_id}", 403)
    mappings = ec2._images[image_id].get("BlockDeviceMappings") or ()
    answered = act(params)
    if answered[0] != 200:
        return answered
    deregistered.add(image_id)
    results = ""
    if is_true(ec2, params, "DeleteAssociatedSnapshots"):
        for mapping in mappings:
            snapshot_id = mapping.get("Ebs", {}).get("SnapshotId")
            if snapshot_id and not images_of(ec2, snapshot_id):
                found = ec2._snapshots.pop(snapshot_id, None)
                code = "success" if found else "missing"
                results += f"<item><snapshotId>{snapshot_id}</snapshotId><returnCode>{code}</returnCode></item>"
    return ec2._xml(
        200,
        "DeregisterImageResponse",
        f"<return>true</return><deleteSnapshotResultSet>{results}</deleteSnapshotResultSet>",
    )


def delete_snapshot(ec2, act, params):
    """The snapshot of an image cannot be deleted while the image is registered; the emulator deletes it. And a tag goes
    with what it is on."""
    snapshot_id = ec2._p(params, "SnapshotId")
    if images := images_of(ec2, snapshot_id):
        raise Refused("InvalidSnapshot.InUse", f"The snapshot {snapshot_id} is currently in use by {images[0]}")
    answered = act(params)
    ec2._tags.pop(snapshot_id, None)
    return answered


def images_of(ec2, snapshot_id):
    return [
        image["ImageId"]
        for image in ec2._images.values()
        if any(one.get("Ebs", {}).get("SnapshotId") == snapshot_id for one in image.get("BlockDeviceMappings") or ())
    ]


def describe_images(ec2, act, params):
    """AWS also tells when an image was made, and of which instance."""
    status, headers, body = act(params)

    def complete(match):
        image, further = ec2._visible_image(match[1].decode()) or {}, ""
        for name, field in (("creationDate", "CreationDate"), ("sourceInstanceId", "SourceInstanceId")):
            if image.get(field):
                further += f"<{name}>{image[field]}</{name}>"
        return match[0] + further.encode()

    return status, headers, re.sub(rb"<imageId>([^<]+)</imageId>", complete, body)


# Instances.


def run_instances(ec2, act, params):
    """AWS launches as many as it can up to MaxCount (the emulator MinCount), launches once for one client token, keeps
    metadata options, and makes every volume of the request and of the image, with their tags. A new instance is pending
    at first. The network interface's subnet and groups are the instance's."""
    from ministack.core.responses import get_account_id, get_region

    token = ec2._p(params, "ClientToken")
    asked = {key: value for key, value in params.items() if key not in ("ClientToken", "DryRun")}
    digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
    launch = _launches.get((get_account_id(), get_region(), token)) if token else None
    if launch:
        if launch["digest"] != digest:
            raise Refused(
                "IdempotentParameterMismatch",
                "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).",
            )
        return launch_answer(ec2, launch)
    check_counts(ec2, params)
    check_instance_type(ec2._p(params, "InstanceType") or "m1.small")
    check_profile(ec2, params)
    settled = {**params, "MinCount": [ec2._p(params, "MaxCount")]}
    for name in ("SubnetId", "SecurityGroupId"):
        for number, value in enumerate(values_of(params, f"NetworkInterface.1.{name}"), 1):
            settled[name if name == "SubnetId" else f"{name}.{number}"] = [value]
    status, headers, body = act(settled)
    if status != 200:
        return status, headers, body
    reservation = re.search(rb"<reservationId>([^<]+)<", body)[1].decode()
    ids = [found.decode() for found in re.findall(rb"<instanceId>([^<]+)</instanceId>", body)]
    for index, instance_id in enumerate(ids):
        complete_instance(ec2, ec2._instances[instance_id], index, params)
    launch = {"digest": digest, "ids": ids, "reservation": reservation}
    if token:
        _launches[get_account_id(), get_region(), token] = launch
    return launch_answer(ec2, launch, pending=True)


def check_counts(ec2, params):
    counts = [ec2._p(params, name) for name in ("MinCount", "MaxCount")]
    for name, count in zip(("minCount", "maxCount"), counts, strict=True):
        if not count.isdigit() or int(count) < 1:
            raise Refused("InvalidParameterValue", f"Value ({count}) for parameter {name} is invalid.")


def check_profile(ec2, params):
    name, arn = (ec2._p(params, f"IamInstanceProfile.{part}") for part in ("Name", "Arn"))
    if name or arn:
        _, refused = ec2._resolve_iam_instance_profile(iam_arn=arn, iam_name=name, allow_missing=False)
        if refused:
            part = "name" if name else "arn"
            raise Refused(
                "InvalidParameterValue",
                f"Value ({name or arn}) for parameter iamInstanceProfile.{part} is invalid. "
                f"Invalid IAM Instance Profile {'name' if name else 'ARN'}",
            )


def complete_instance(ec2, instance, index, params):
    subnet = ec2._subnets[instance["SubnetId"]]
    instance["AmiLaunchIndex"] = index
    instance["ClientToken"] = ec2._p(params, "ClientToken")
    instance["Placement"]["AvailabilityZone"] = subnet["AvailabilityZone"]
    image = find_image(ec2, instance["ImageId"])
    instance["Architecture"] = image["Architecture"]
    instance["MetadataOptions"] = {
        "state": "applied",
        "httpTokens": ec2._p(params, "MetadataOptions.HttpTokens") or "optional",
        "httpPutResponseHopLimit": ec2._p(params, "MetadataOptions.HttpPutResponseHopLimit") or "1",
        "httpEndpoint": ec2._p(params, "MetadataOptions.HttpEndpoint") or "enabled",
        "httpProtocolIpv6": ec2._p(params, "MetadataOptions.HttpProtocolIpv6") or "disabled",
        "instanceMetadataTags": ec2._p(params, "MetadataOptions.InstanceMetadataTags") or "disabled",
    }
    complete_volumes(ec2, instance, image, params)


def complete_volumes(ec2, instance, image, params):
    if instance["RootDeviceType"] != "ebs":
        return
    devices = {}
    for mapping in image["BlockDeviceMappings"]:
        ebs = mapping.get("Ebs") or {}
        devices[mapping["DeviceName"]] = {f"Ebs.{name}": str(value) for name, value in ebs.items()}
    for device, wishes in requested_devices(ec2, params).items():
        if "NoDevice" in wishes:
            devices.pop(device, None)
        else:
            devices[device] = {**devices.get(device, {}), **wishes}
    root = instance["BlockDeviceMappings"][0]
    root_volume = ec2._volumes[root["Ebs"]["VolumeId"]]
    instance["RootDeviceName"] = root["DeviceName"] = image["RootDeviceName"]
    root_volume["Attachments"][0]["Device"] = image["RootDeviceName"]
    zone, tags = instance["Placement"]["AvailabilityZone"], tags_for(ec2, params, "volume")
    for device, wishes in {image["RootDeviceName"]: {}, **devices}.items():
        if device == image["RootDeviceName"]:
            volume, mapping = root_volume, root
        else:
            volume = {**root_volume, "VolumeId": ec2._new_volume_id(), "SnapshotId": "", "Size": 8}
            volume["Attachments"] = [
                {**root_volume["Attachments"][0], "VolumeId": volume["VolumeId"], "Device": device}
            ]
            mapping = {"DeviceName": device, "Ebs": {**root["Ebs"], "VolumeId": volume["VolumeId"]}}
            ec2._volumes[volume["VolumeId"]] = volume
            instance["BlockDeviceMappings"].append(mapping)
        volume["AvailabilityZone"] = zone
        volume["Size"] = int(wishes.get("Ebs.VolumeSize", volume["Size"]))
        volume["VolumeType"] = wishes.get("Ebs.VolumeType", volume["VolumeType"])
        volume["SnapshotId"] = wishes.get("Ebs.SnapshotId", volume["SnapshotId"])
        volume["Encrypted"] = wishes.get("Ebs.Encrypted", str(volume["Encrypted"])).lower() == "true"
        ends_with_it = wishes.get("Ebs.DeleteOnTermination", "true").lower() == "true"
        volume["Attachments"][0]["DeleteOnTermination"] = mapping["Ebs"]["DeleteOnTermination"] = ends_with_it
        if tags:
            ec2._tags[volume["VolumeId"]] = [dict(tag) for tag in tags]


def launch_answer(ec2, launch, pending=False):
    from ministack.core.responses import get_account_id

    instances = [ec2._instances[name] for name in launch["ids"] if name in ec2._instances]
    if pending:
        instances = [{**one, "State": {"Code": 0, "Name": "pending"}} for one in instances]
    items = "".join(ec2._instance_xml(one) for one in instances)
    return ec2._xml(
        200,
        "RunInstancesResponse",
        f"<reservationId>{launch['reservation']}</reservationId><ownerId>{get_account_id()}</ownerId><groupSet/>"
        f"<instancesSet>{items}</instancesSet>",
    )


CHANGE = re.compile(
    rb"(<previousState><code>(\d+)</code>.*?<currentState>)<code>(\d+)</code><name>[^<]*</name>", re.DOTALL
)
ON_THE_WAY = {b"16": b"<code>0</code><name>pending</name>", b"80": b"<code>64</code><name>stopping</name>"}
ON_THE_WAY[b"48"] = b"<code>32</code><name>shutting-down</name>"


def changing_state(ec2, act, params):
    """The answer has an instance on its way; the emulator says that it has arrived. Here it has arrived by the next
    question, on AWS a little later. A launch time is that of the latest start."""

    def on_the_way(match):
        if match[2] == match[3]:
            return match[0]
        return match[1] + ON_THE_WAY[match[3]]

    before = {name: ec2._instances[name]["State"]["Name"] for name in values_of(params, "InstanceId")}
    status, headers, body = act(params)
    for name, state in before.items():
        instance = ec2._instances[name]
        if instance["State"]["Name"] != state:
            moment = "LaunchTime" if instance["State"]["Name"] == "running" else "EndedAt"
            now = ec2._now_ts()
            instance[moment] = now if moment == "LaunchTime" else f"{now[:10]} {now[11:19]} GMT"
    return status, headers, CHANGE.sub(on_the_way, body)


def refuse_in_states(refused, wanted):
    def around(ec2, act, params):
        """An action that an instance's state does not allow is refused (IncorrectInstanceState)."""
        for instance_id in values_of(params, "InstanceId"):
            if ec2._instances[instance_id]["State"]["Name"] in refused:
                raise Refused(
                    "IncorrectInstanceState",
                    f"The instance '{instance_id}' is not in a state from which it can be {wanted}.",
                )
        return changing_state(ec2, act, params)

    return around


def terminate_instances(ec2, act, params):
    """An instance's volumes are deleted with it where DeleteOnTermination says so, and are free otherwise. The emulator
    leaves them attached."""
    answered = changing_state(ec2, act, params)
    for instance_id in values_of(params, "InstanceId"):
        for _, volume in attached_volumes(ec2, instance_id):
            if volume["Attachments"][0]["DeleteOnTermination"]:
                ec2._volumes.pop(volume["VolumeId"], None)
                ec2._tags.pop(volume["VolumeId"], None)
            else:
                volume.update(Attachments=[], State="available")
        ec2._instances[instance_id]["BlockDeviceMappings"] = []
    return answered


# vCPUs and MiB of common types (EC2 Instance Types Guide, "Specifications"); the emulator's numbers are made up.
SIZES = {
    "t": {"nano": (2, 512), "micro": (2, 1024), "small": (2, 2048), "medium": (2, 4096)},
    "": {"medium": (1, 4096)},
}
MEMORY_OF_LARGE = {"t": 8192, "m": 8192, "c": 4096, "r": 16384}
TYPE = re.compile(r"([a-z]+)(?:-\d+tb)?(\d+)([a-z0-9-]*)\.(nano|micro|small|medium|large|(\d*)xlarge|metal(?:-\d+xl)?)")
ONE_TYPE = re.compile(rb"<instanceType>([^<]+)</instanceType>.*?</autoRecoverySupported>", re.DOTALL)
OLD_TYPES = {"t2.nano": (1, 512), "t2.micro": (1, 1024), "t2.small": (1, 2048), "m1.small": (1, 1741)}


def check_instance_type(name):
    if not TYPE.fullmatch(name):
        raise Refused("InvalidParameterValue", f"Invalid value '{name}' for InstanceType.")


def size_of(name):
    if name in OLD_TYPES:
        return OLD_TYPES[name]
    family, _, _, size, many = TYPE.fullmatch(name).groups()
    small = SIZES.get(family, SIZES[""]).get(size)
    if small:
        return small
    factor = 1 if size == "large" else 2 * int(many or 1)
    return 2 * factor, MEMORY_OF_LARGE.get(family, 8192) * factor


def describe_instance_types(ec2, act, params):
    """A type that does not exist is refused, vCPUs and memory are the type's own, and Graviton's types are arm64."""
    unknown = [name for name in values_of(params, "InstanceType") if not TYPE.fullmatch(name)]
    if unknown:
        listed = ", ".join(unknown)
        raise Refused("InvalidInstanceType", f"The following supplied instance types do not exist: [{listed}]")

    def own(match):
        item, name = match[0], match[1].decode()
        processors, memory = size_of(name)
        item = re.sub(rb"<default(VCpus|Cores)>\d+", rb"<default\g<1>>%d" % processors, item)
        item = re.sub(rb"<sizeInMiB>\d+", b"<sizeInMiB>%d" % memory, item)
        if "g" in TYPE.fullmatch(name)[3]:
            item = item.replace(b"<item>x86_64</item>", b"<item>arm64</item>")
        return item

    status, headers, body = act(params)
    return status, headers, ONE_TYPE.sub(own, body)


ACTIONS = {"CreateSnapshots": create_snapshots, "CreateImage": create_image}
AROUND = {
    "DeleteSnapshot": delete_snapshot,
    "DeregisterImage": deregister_image,
    "DescribeImages": describe_images,
    "DescribeInstanceTypes": describe_instance_types,
    "RunInstances": run_instances,
    "StartInstances": refuse_in_states(("terminated", "shutting-down"), "started"),
    "StopInstances": refuse_in_states(("terminated", "shutting-down"), "stopped"),
    "RebootInstances": refuse_in_states(("terminated", "shutting-down", "stopped", "stopping"), "rebooted"),
    "TerminateInstances": terminate_instances,
}
