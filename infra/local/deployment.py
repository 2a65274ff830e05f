"""Deploys infra/template.yaml into a local AWS, the way SAM deploys it into a real one."""

import hashlib
import json
import pathlib
import platform
import shutil
import subprocess
import tempfile
import time
import zipfile

import boto3
import botocore.config
import botocore.exceptions
import yaml

from instance import PROVIDER_ACCOUNT_ID, REGION, LocalAwsError, say, write_json

TEMPLATE = pathlib.Path(__file__).parent.parent / "template.yaml"
STACK_NAME = "drawbridge"
BUCKET = "drawbridge-deployment"
DEMO_CUSTOMERS = ("222222222222", "333333333333")
DEPLOY_SECONDS = 180
# Where calls are broken on purpose. A call may take 8 seconds until the function gives up, and a message that is
# delivered again while it is still being worked on would blur whose calls are whose.
DELIVERED_AGAIN_SECONDS = 20
MESSAGES_AT_A_TIME = 200

PARAMETERS = {
    "Architecture": "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64",
    # Local IAM propagates at once, so that the waiting that AWS needs would only make tests slow.
    "AgreementIntervalSeconds": "1",
    "PropagationDeadlineSeconds": "20",
    "LookIntervalSeconds": "1",
    "DeletionProtection": "false",
    "ProviderName": "Northwind Cloud",
    "ProviderColour": "#0f7285",
    "ThrottlingRateLimit": "10000",
    "ThrottlingBurstLimit": "5000",
}


def deploy(instance, functions, parameters=None):
    """Creates the stack, or updates it to the template and functions of now, and writes stack.json. `parameters` go
    before those that every local stack has; what the template does not know is left out."""
    provider = Account(instance.endpoint_url(), PROVIDER_ACCOUNT_ID)
    template = load_template()
    upload_functions(provider, template, pathlib.Path(functions))
    known = json.loads(instance.stack_file.read_text()) if instance.stack_file.exists() else {}
    outputs = apply_with_public_url(instance, provider, template, {**PARAMETERS, **(parameters or {})}, known)
    operator = known.get("operator") or provider.make_user("operator", outputs["AdminPolicyArn"])
    demo_customers = known.get("demo_customers") or [make_customer(instance, account) for account in DEMO_CUSTOMERS]
    write_json(
        instance.stack_file,
        {
            "endpoint_url": instance.endpoint_url(),
            "api_url": api_url(instance, outputs["ApiId"]),
            "region": REGION,
            "provider_account_id": PROVIDER_ACCOUNT_ID,
            "operator": operator,
            "demo_customers": demo_customers,
            "stack_name": STACK_NAME,
            "api_id": outputs["ApiId"],
            "table_name": outputs["TableName"],
            "onboarding_queue_url": outputs["OnboardingQueueUrl"],
            "dlq_url": outputs["OnboardingDeadLettersUrl"],
            "jobs_queue_url": outputs["JobsQueueUrl"],
            "jobs_dlq_url": outputs["JobsDeadLettersUrl"],
            "runs_queue_url": outputs["RunsQueueUrl"],
            "runs_dlq_url": outputs["RunsDeadLettersUrl"],
            "schedule_group": outputs["CustomerScheduleGroup"],
            "broker_role_arn": outputs["BrokerRoleArn"],
            "broker_boundary_arn": outputs["BrokerBoundaryArn"],
            "policies": {
                "viewer": outputs["ViewerPolicyArn"],
                "operator": outputs["OperatorPolicyArn"],
                "admin": outputs["AdminPolicyArn"],
            },
            "log_groups": {
                "api": outputs["ApiLogGroupName"],
                "onboarder": outputs["OnboarderLogGroupName"],
                "operations": outputs["OperationsLogGroupName"],
                "planner": outputs["PlannerLogGroupName"],
                "worker": outputs["WorkerLogGroupName"],
                "access": outputs["AccessLogGroupName"],
            },
            "log_dir": str(instance.logs),
        },
    )


class Account:
    """An account of the local AWS, as its root user: the emulator takes an account id as the root's access key."""

    def __init__(self, endpoint_url, account_id):
        self._session = boto3.Session(
            aws_access_key_id=account_id, aws_secret_access_key="root", region_name=REGION
        )
        self._endpoint_url = endpoint_url
        self.id = account_id

    def client(self, service):
        # Retries of a local call would only hide what is wrong with it.
        config = botocore.config.Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"})
        return self._session.client(service, endpoint_url=self._endpoint_url, config=config)

    def make_user(self, name, policy_arn):
        iam = self.client("iam")
        iam.create_user(UserName=name)
        iam.attach_user_policy(UserName=name, PolicyArn=policy_arn)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return {"access_key_id": key["AccessKeyId"], "secret_access_key": key["SecretAccessKey"]}


def make_customer(instance, account_id):
    account = Account(instance.endpoint_url(), account_id)
    return {"account_id": account_id} | account.make_user("admin", "arn:aws:iam::aws:policy/AdministratorAccess")


def load_template():
    """The template in CloudFormation's long form, in which it can be changed and written as JSON."""

    class Loader(yaml.SafeLoader):
        pass

    def long_form(loader, suffix, node):
        if isinstance(node, yaml.ScalarNode):
            value = loader.construct_scalar(node)
        elif isinstance(node, yaml.SequenceNode):
            value = loader.construct_sequence(node, deep=True)
        else:
            value = loader.construct_mapping(node, deep=True)
        if suffix == "GetAtt" and isinstance(value, str):
            value = value.split(".", 1)
        return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}

    Loader.add_multi_constructor("!", long_form)
    # A date-like version must stay the string that it is on AWS.
    Loader.add_constructor("tag:yaml.org,2002:timestamp", yaml.SafeLoader.construct_yaml_str)
    return yaml.load(TEMPLATE.read_text(), Loader)


def upload_functions(provider, template, folder):
    """Puts each function's binary where Lambda takes it from, as `sam package` would."""
    s3 = provider.client("s3")
    try:
        s3.create_bucket(Bucket=BUCKET)
    except (s3.exceptions.BucketAlreadyOwnedByYou, s3.exceptions.BucketAlreadyExists):
        pass
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            binary = resource["Metadata"]["BuildProperties"]["Binary"]
            package = zipped_bootstrap(folder / binary)
            key = f"{binary}-{hashlib.sha256(package).hexdigest()[:16]}.zip"
            say(f"uploading {binary} ({len(package) / 1e6:.1f} MB)")
            s3.put_object(Bucket=BUCKET, Key=key, Body=package)
            resource["Properties"]["CodeUri"] = {"Bucket": BUCKET, "Key": key}


def zipped_bootstrap(binary):
    if not binary.is_file():
        raise LocalAwsError(f"{binary} is missing; build the functions first (make build)")
    with tempfile.TemporaryDirectory() as scratch:
        bootstrap = pathlib.Path(scratch) / "bootstrap"
        # Debug symbols make a binary several times as large, and nobody reads them there.
        strip = shutil.which("strip")
        if strip is None or subprocess.run([strip, "-o", bootstrap, binary], capture_output=True).returncode:
            shutil.copy(binary, bootstrap)
        # The fixed date (ZipInfo's own default) makes the same binary the same package.
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o100755 << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        package = pathlib.Path(scratch) / "package.zip"
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr(entry, bootstrap.read_bytes(), compresslevel=1)
        return package.read_bytes()


def apply_with_public_url(instance, provider, template, parameters, known):
    """Applies the template with the address of its own API, which is known only once the API is there: a new stack is
    updated once, as its installer would."""
    wants_url = "PublicUrl" in template["Parameters"] and "PublicUrl" not in parameters
    if not wants_url:
        return apply_template(provider, template, parameters)
    if "api_url" in known:
        return apply_template(provider, template, {**parameters, "PublicUrl": known["api_url"]})
    outputs = apply_template(provider, template, parameters)
    return apply_template(provider, template, {**parameters, "PublicUrl": api_url(instance, outputs["ApiId"])})


def api_url(instance, api_id):
    return f"{instance.endpoint_url()}/_aws/execute-api/{api_id}"


def take_messages_one_by_one(instance):
    """Sets the queues up for tests that break calls: one message to an invocation, so that it is known whose calls are
    whose, many at a time, and delivered again soon after a failure."""
    provider = Account(instance.endpoint_url(), PROVIDER_ACCOUNT_ID)
    functions, sqs = provider.client("lambda"), provider.client("sqs")
    for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
        queue = mapping["EventSourceArn"].rsplit(":", 1)[-1]
        functions.update_event_source_mapping(
            UUID=mapping["UUID"], BatchSize=1, ScalingConfig={"MaximumConcurrency": MESSAGES_AT_A_TIME}
        )
        sqs.set_queue_attributes(
            QueueUrl=sqs.get_queue_url(QueueName=queue)["QueueUrl"],
            Attributes={"VisibilityTimeout": str(DELIVERED_AGAIN_SECONDS)},
        )


def apply_template(provider, template, parameters):
    cloudformation = provider.client("cloudformation")
    chosen = {name: value for name, value in parameters.items() if name in template["Parameters"]}
    # Through S3, as `sam deploy` does: CloudFormation takes 51,200 bytes in the request itself.
    text = json.dumps(template).encode()
    key = f"template-{hashlib.sha256(text).hexdigest()[:16]}.json"
    provider.client("s3").put_object(Bucket=BUCKET, Key=key, Body=text)
    request = {
        "StackName": STACK_NAME,
        "TemplateURL": f"https://s3.amazonaws.com/{BUCKET}/{key}",
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in chosen.items()],
        "Capabilities": ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    }
    try:
        cloudformation.describe_stacks(StackName=STACK_NAME)
        exists = True
    except cloudformation.exceptions.ClientError:
        exists = False
    try:
        if exists:
            say("updating the stack")
            cloudformation.update_stack(**request)
        else:
            say("creating the stack")
            cloudformation.create_stack(**request)
    except botocore.exceptions.ClientError as error:
        if "No updates are to be performed" not in str(error):
            raise LocalAwsError(f"the stack was refused: {error}") from error
    return wait_for_stack(cloudformation)


def wait_for_stack(cloudformation):
    deadline = time.monotonic() + DEPLOY_SECONDS
    while time.monotonic() < deadline:
        stack = cloudformation.describe_stacks(StackName=STACK_NAME)["Stacks"][0]
        status = stack["StackStatus"]
        if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        if not status.endswith("_IN_PROGRESS"):
            raise LocalAwsError(f"the stack is {status}\n{failures(cloudformation)}")
        time.sleep(0.2)
    raise LocalAwsError(f"the stack was not ready within {DEPLOY_SECONDS} seconds\n{failures(cloudformation)}")


def failures(cloudformation):
    events = cloudformation.describe_stack_events(StackName=STACK_NAME)["StackEvents"]
    return "\n".join(
        f"  {event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}"
        for event in reversed(events)
        if event["ResourceStatus"].endswith("_FAILED")
    )
