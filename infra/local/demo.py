"""Onboards one customer on a local AWS and tells it as a story; `make demo` runs it.

    demo.py --stack .local/stack.json --drawbridge target/debug/drawbridge

The operator's part goes through the drawbridge command, the customer's through AWS's API with the customer's own
keys. Everything printed under a command is that command's output, shortened where it is long, and with external IDs
masked, for it will be pasted into tickets. Each step checks what it shows: the demonstration ends with code 1 where
Drawbridge does something else than is told here. It makes new things only, so it can be run again on the same stack.
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
import time
import uuid

import boto3
import botocore.exceptions
from boto3.dynamodb.types import TypeDeserializer
from dateutil.parser import isoparse

TEMPLATE = pathlib.Path(__file__).parent.parent / "customer-role.yaml"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
CAPABILITIES = ("ec2-power", "dynamodb-backup", "dynamodb-drill", "dynamodb-restore")
REGION = "eu-central-1"
# What the customer takes out of the role's permissions, to see whether Drawbridge finds it.
TAKEN_AWAY = "ec2:StopInstances"
# An image of Amazon's that the local AWS has.
IMAGE = "ami-0abcdef1234567890"
# How long AWS may take to show what a command has caused.
PATIENCE_SECONDS = 20

# What has so many columns is a table and no sentence.
COLUMNS_OF_A_TABLE = 4

COLOURED = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
WIDTH = max(80, min(shutil.get_terminal_size((110, 24)).columns, 120))


class NotAsTold(Exception):
    """Drawbridge or the local AWS did something else than the story says."""


def main():
    arguments = parse_arguments()
    # A terminal that cannot show a character shows a question mark.
    sys.stdout.reconfigure(errors="replace")
    try:
        stack = json.loads(pathlib.Path(arguments.stack).read_text())
        with contextlib.ExitStack() as cleanup:
            tell(Demo(stack, arguments.drawbridge, cleanup))
    except (NotAsTold, OSError, botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        print(f"\nerror: the demonstration ended early: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stack", required=True, help="the stack.json of the local stack")
    parser.add_argument("--drawbridge", required=True, help="the drawbridge command")
    return parser.parse_args()


def tell(demo):
    began = time.monotonic()
    make_connection(demo)
    show_setup(demo)
    make_role_by_hand(demo)
    walk_in(demo)
    submit_role(demo)
    deploy_template(demo)
    verify_again(demo)
    take_permission_away(demo)
    attach_patch(demo)
    stop_instance(demo)
    back_up_tables(demo)
    drill_restore(demo)
    restore_table(demo)
    show_evidence(demo)
    try_strangers(demo)
    sum_up(demo, time.monotonic() - began)


class Demo:
    """The people of the story with their means, and what they have found out so far."""

    def __init__(self, stack, drawbridge, cleanup):
        self.stack = stack
        self.drawbridge = drawbridge
        self.cleanup = cleanup
        # The root of the provider's account, to look at what Drawbridge keeps there. The emulator takes an account's id
        # for its access key.
        self.root_keys = {"access_key_id": stack["provider_account_id"], "secret_access_key": "root"}
        self.customer_keys, self.neighbour_keys = stack["demo_customers"][:2]
        self.broker = stack["broker_role_arn"].rsplit("/", 1)[-1]
        self.steps = 0
        # Known once the connection is made.
        self.connection_id = self.external_id = self.role_name = self.role_arn = None
        # Those of somebody in the provider's account, once they have appeared.
        self.insider_keys = None
        # Everything in the customer's account that could be changed, before it is asked what the role may do there; and
        # the policy that mends the role.
        self.estate = self.patch = None
        # The customer's instance, their table, and its backup.
        self.instance = self.table = self.backup_id = None

    # What is printed.

    def step(self, title, why):
        self.steps += 1
        print("\n" + styled(f"{self.steps}. {title}", "1"), flush=True)
        self.explain(why)

    def note(self, text):
        print()
        self.explain(text)

    def explain(self, text):
        print(textwrap.fill(text, WIDTH, initial_indent="   ", subsequent_indent="   "), flush=True)

    def show(self, text, style=""):
        """Prints output of a command, so that it fits the terminal and gives away no external ID."""
        if self.external_id:
            text = text.replace(self.external_id, "(external ID)")
        for line in text.rstrip("\n").split("\n"):
            print(styled(fitted(line), style), flush=True)

    def show_json(self, value):
        self.show(json.dumps(value, indent=2, default=int, ensure_ascii=False))

    # What is done.

    def operate(self, *arguments, expect=0):
        """Runs the drawbridge command as the operator, prints what it says as it says it, and returns that."""
        print()
        print(styled(command_line(arguments), "36"), flush=True)
        said = []
        with subprocess.Popen(
            [self.drawbridge, *arguments],
            env=self.operator_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        ) as process:
            for line in process.stdout:
                said.append(line)
                self.show(line)
        self.check(process.returncode == expect, f"drawbridge ended with code {process.returncode} and not {expect}")
        return "".join(said)

    def operate_quietly(self, *arguments):
        """Clears up after the story."""
        subprocess.run([self.drawbridge, *arguments], env=self.operator_environment(), capture_output=True)

    def operator_environment(self):
        """The operator's keys, and nothing of what the person at the terminal uses AWS with."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DRAWBRIDGE_"))}
        keys = self.stack["operator"]
        return own | {
            "DRAWBRIDGE_API_URL": self.stack["api_url"],
            "AWS_ACCESS_KEY_ID": keys["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": keys["secret_access_key"],
            "AWS_REGION": self.stack["region"],
        }

    def connection(self):
        """The connection as the API shows it, asked for beside the story, to check it."""
        answer = subprocess.run(
            [self.drawbridge, "connections", "show", self.connection_id, "--output", "json"],
            env=self.operator_environment(),
            capture_output=True,
            encoding="utf-8",
        )
        self.check(answer.returncode == 0, f"the connection could not be read: {answer.stderr.strip()}")
        return json.loads(answer.stdout)

    def client(self, keys, service, region=None):
        session = boto3.Session(keys["access_key_id"], keys["secret_access_key"], keys.get("session_token"))
        region = region or self.stack["region"]
        return session.client(service, region_name=region, endpoint_url=self.stack["endpoint_url"])

    def call(self, keys, service, operation, abridged=None, region=None, **parameters):
        """Calls AWS's API with somebody's keys, and prints the call; `abridged` stands for what is long."""
        shown = parameters | (abridged or {})
        print()
        self.show(f"> {service}.{operation}({', '.join(f'{name}={value!r}' for name, value in shown.items())})", "36")
        return getattr(self.client(keys, service, region), operation)(**parameters)

    def items(self, pk):
        """Every item of one partition of the state table."""
        answer = self.client(self.root_keys, "dynamodb").query(
            TableName=self.stack["table_name"],
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": pk}},
            ConsistentRead=True,
        )
        read = TypeDeserializer().deserialize
        return [{name: read(value) for name, value in item.items()} for item in answer["Items"]]

    def grants(self):
        """The policies that are attached to the broker, by name, as IAM has them."""
        iam = self.client(self.root_keys, "iam")
        documents = {}
        for policy in iam.list_attached_role_policies(RoleName=self.broker)["AttachedPolicies"]:
            with contextlib.suppress(iam.exceptions.NoSuchEntityException):
                arn = policy["PolicyArn"]
                version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
                found = iam.get_policy_version(PolicyArn=arn, VersionId=version)
                documents[policy["PolicyName"]] = found["PolicyVersion"]["Document"]
        return documents

    def grant_of_role(self):
        """The names of the attached policies that let the broker assume the story's role."""
        return [name for name, document in self.grants().items() if self.role_arn in json.dumps(document)]

    # What is checked.

    def check(self, holds, otherwise):
        if not holds:
            raise NotAsTold(f"step {self.steps}: {otherwise}; the functions' logs are in {self.stack['log_dir']}")

    def confirm(self, holds, told):
        self.check(holds, f"it is not so that {told}")
        text = textwrap.fill(told, WIDTH, initial_indent="   ✓ ", subsequent_indent="     ")
        print(styled(text, "32"), flush=True)

    def eventually(self, holds):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not holds():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        return True


def make_connection(demo):
    demo.step(
        "The provider's operator makes a customer, and a connection to one of its AWS accounts",
        "The connection says what the provider will be able to do there (power EC2 instances, back up and "
        "restore DynamoDB tables) and in which Region. Drawbridge makes up its external ID; nobody else chooses it.",
    )
    account = demo.customer_keys["account_id"]
    customer = demo.operate("customers", "create", "--name", "Acme Ltd")
    asked = [word for capability in CAPABILITIES for word in ("--capability", capability)]
    made = demo.operate(
        *("connections", "create", "--customer", found("cus_[0-9a-f]{32}", customer), *asked),
        *("--region", REGION, "--account-id", account, "--label", "production"),
    )
    demo.connection_id = found("con_[0-9a-f]{32}", made)
    connection = demo.connection()
    demo.external_id = connection["external_id"]
    demo.role_name = connection["role_name"]
    demo.role_arn = f"arn:aws:iam::{account}:role/{demo.role_name}"
    demo.confirm(connection["state"] == "pending_role", "the connection waits for the customer's role: pending_role")


def show_setup(demo):
    demo.step(
        "The operator hands over the trust policy that the customer's role must have",
        "It trusts the provider's account, but there only the brokers (roles that nothing but Drawbridge uses), and "
        "only with this connection's external ID, which keeps the provider from being tricked into using it for "
        "somebody else.",
    )
    said = demo.operate("connections", "setup", demo.connection_id, "--only", "trust-policy")
    asked = json.loads(said)["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"]
    demo.confirm(asked == demo.external_id, "it asks for this connection's external ID, which is masked here")


def make_role_by_hand(demo):
    demo.step(
        "The customer makes the role by hand instead, as a well-known manual says",
        "“Another AWS account”, the provider's account ID, a policy to attach, done: the manual calls the external "
        "ID optional, and its example policy is AdministratorAccess.",
    )
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{demo.stack['provider_account_id']}:root"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    keys, name = demo.customer_keys, demo.role_name
    demo.call(keys, "iam", "create_role", RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    demo.call(keys, "iam", "attach_role_policy", RoleName=name, PolicyArn=ADMINISTRATOR)


def walk_in(demo):
    demo.step(
        "Somebody else in the provider's account shows what such a role is worth",
        "An administrator there, who has nothing to do with this customer and knows no external ID, tries the role.",
    )
    demo.insider_keys = make_insider(demo)
    session = assume(demo, demo.insider_keys)
    demo.check(session is not None, "the role that was made by hand refuses the administrator")
    keys = {
        "access_key_id": session["AccessKeyId"],
        "secret_access_key": session["SecretAccessKey"],
        "session_token": session["SessionToken"],
    }
    identity = demo.call(keys, "sts", "get_caller_identity")
    demo.show(identity["Arn"])
    users = demo.call(keys, "iam", "list_users")["Users"]
    demo.show("\n".join(user["Arn"] for user in users))
    account = demo.customer_keys["account_id"]
    demo.confirm(
        identity["Account"] == account and all(f"::{account}:" in user["Arn"] for user in users),
        "they are in the customer's account, as its administrator",
    )


def make_insider(demo):
    """A user of the provider's account whom its own policies allow everything, so that only the customer's trust can
    refuse it. It is gone when the demonstration ends."""
    iam = demo.client(demo.root_keys, "iam")
    name = f"demo-administrator-{uuid.uuid4().hex[:8]}"
    iam.create_user(UserName=name)
    demo.cleanup.callback(iam.delete_user, UserName=name)
    iam.attach_user_policy(UserName=name, PolicyArn=ADMINISTRATOR)
    demo.cleanup.callback(iam.detach_user_policy, UserName=name, PolicyArn=ADMINISTRATOR)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    demo.cleanup.callback(iam.delete_access_key, UserName=name, AccessKeyId=key["AccessKeyId"])
    return {"access_key_id": key["AccessKeyId"], "secret_access_key": key["SecretAccessKey"]}


def assume(demo, keys, **external_id):
    """A session of the customer's role, or None if AWS refuses it with AccessDenied."""
    try:
        asked = {"RoleArn": demo.role_arn, "RoleSessionName": "curious"} | external_id
        return demo.call(keys, "sts", "assume_role", **asked)["Credentials"]
    except botocore.exceptions.ClientError as error:
        demo.show(str(error))
        demo.check(error.response["Error"]["Code"] == "AccessDenied", "the refusal is not AccessDenied")
        return None


def submit_role(demo):
    demo.step(
        "The operator submits the ARN that the customer sent, and watches",
        "Drawbridge lets its broker assume the role, then asks AWS for it with the right external ID, with none, and "
        "with a random one. The last two must be refused, or the ID protects nobody.",
    )
    demo.operate("connections", "submit-role", demo.connection_id, demo.role_arn, "--watch", expect=4)
    connection = demo.connection()
    codes = [reason["code"] for reason in connection["reasons"]]
    demo.confirm(
        connection["state"] == "failed"
        and codes == ["trust_missing_external_id", "trust_accepts_any_external_id"]
        and all(reason["remedy"] for reason in connection["reasons"]),
        "the role is refused, with both reasons and what mends them; the command's exit code is 4",
    )

    demo.note(f"What is refused is not kept: {demo.broker}'s grant for the role is given back.")
    given_back = demo.eventually(lambda: not demo.grant_of_role())
    demo.call(demo.root_keys, "iam", "list_attached_role_policies", RoleName=demo.broker)
    demo.show_json({"AttachedPolicies": sorted(demo.grants())})
    demo.confirm(given_back, f"no policy of {demo.broker} names {demo.role_arn}")


def deploy_template(demo):
    demo.step(
        "The customer does as the remedy says, with the ready-made template instead of the role made by hand",
        "infra/customer-role.yaml is a CloudFormation stack with one role: the trust policy of step 2, and one "
        "true/false parameter for each capability.",
    )
    keys = demo.customer_keys
    demo.call(keys, "iam", "detach_role_policy", RoleName=demo.role_name, PolicyArn=ADMINISTRATOR)
    demo.call(keys, "iam", "delete_role", RoleName=demo.role_name)
    parameters = {
        "RoleName": demo.role_name,
        "ExternalId": demo.external_id,
        "ProviderAccountId": demo.stack["provider_account_id"],
        "Ec2Power": "true",
        "DynamodbBackup": "true",
        "DynamodbDrill": "true",
        "DynamodbRestore": "true",
    }
    demo.call(
        keys,
        "cloudformation",
        "create_stack",
        abridged={"TemplateBody": "…infra/customer-role.yaml…", "Parameters": parameters},
        StackName=demo.role_name,
        TemplateBody=TEMPLATE.read_text(),
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    cloudformation = demo.client(keys, "cloudformation")

    def stack():
        return cloudformation.describe_stacks(StackName=demo.role_name)["Stacks"][0]

    demo.eventually(lambda: not stack()["StackStatus"].endswith("_IN_PROGRESS"))
    status = stack()["StackStatus"]
    demo.check(status == "CREATE_COMPLETE", f"the customer's stack is {status}")
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack()["Outputs"]}
    demo.show_json({"StackStatus": status, "Outputs": outputs})
    demo.check(outputs["RoleArn"] == demo.role_arn, "the template's role has another ARN than was submitted")

    role = demo.call(keys, "iam", "get_role", RoleName=demo.role_name)["Role"]
    demo.show_json(role["AssumeRolePolicyDocument"])
    actions = allowed_actions(demo)
    demo.confirm(
        "ec2:StopInstances" in actions and "dynamodb:CreateBackup" in actions and "*" not in "".join(actions),
        f"the role allows the {len(actions)} actions that the connection asks for, and is no administrator",
    )


def allowed_actions(demo):
    statements = permissions_policy(demo)["Statement"]
    return {action for statement in statements for action in as_list(statement["Action"])}


def permissions_policy(demo):
    iam = demo.client(demo.customer_keys, "iam")
    return iam.get_role_policy(RoleName=demo.role_name, PolicyName="drawbridge")["PolicyDocument"]


def verify_again(demo):
    demo.step(
        "The operator verifies again, and watches",
        "The same three questions, in two rounds some time apart, because changes in IAM reach its servers one by "
        "one (the local stack waits 1 second between them, a real one 15). Then what the role can do is found out from "
        "AWS, action by action: EC2 judges a dry run, DynamoDB a call that names a table which does not exist. An "
        "instance of the customer's runs meanwhile.",
    )
    launch_instance(demo)
    demo.operate("connections", "verify", demo.connection_id, "--watch")
    connection = demo.connection()
    outcomes = [(probe["round"], probe["external_id"], probe["outcome"]) for probe in connection["trust"]["probes"]]
    agreed = [("correct", "allowed"), ("absent", "denied"), ("random", "denied")]
    demo.confirm(
        connection["state"] == "active"
        and connection["trust"]["proven"]
        and outcomes == [(number, *answer) for number in (1, 2) for answer in agreed]
        and count(connection["checks"], "allowed") == len(connection["checks"]) > 0,
        "trust is proven, the role can do everything that was asked for, and the connection is active",
    )


def take_permission_away(demo):
    demo.step(
        f"The customer takes {TAKEN_AWAY} out of the role, and the operator verifies again",
        "Whom the role trusts is as it was; what it can do is not. Such things happen long after the onboarding, which "
        "is why Drawbridge looks every day by itself at what reads, and every week at everything.",
    )
    policy = permissions_policy(demo)
    for statement in policy["Statement"]:
        statement["Action"] = [action for action in as_list(statement["Action"]) if action != TAKEN_AWAY]
    demo.call(
        demo.customer_keys,
        "iam",
        "put_role_policy",
        abridged={"PolicyDocument": f"…as it was, without {TAKEN_AWAY}…"},
        RoleName=demo.role_name,
        PolicyName="drawbridge",
        PolicyDocument=json.dumps(policy),
    )
    said = demo.operate("connections", "verify", demo.connection_id, "--watch")
    connection = demo.connection()
    denied = [row["action"] for row in connection["checks"] if row["outcome"] == "denied"]
    reasons = connection["reasons"]
    demo.confirm(
        connection["state"] == "degraded" and connection["trust"]["proven"] and denied == [TAKEN_AWAY],
        "trust holds, but the connection is degraded, and Drawbridge names the one action that is refused",
    )
    demo.patch = json.loads(found(r"--policy-document '(\{.*?\})'", said, group=1))
    demo.confirm(
        [reason["code"] for reason in reasons] == ["permission_missing"]
        and demo.patch["Statement"] == [reasons[0]["patch"]]
        and as_list(reasons[0]["patch"]["Action"]) == [TAKEN_AWAY],
        "the patch allows that action and nothing else",
    )


def attach_patch(demo):
    demo.step(
        "The customer attaches the patch as it was given, and the operator verifies once more",
        "The command above can be pasted into a shell of the customer's. Here its policy is attached by the same call "
        "of IAM's.",
    )
    demo.call(
        demo.customer_keys,
        "iam",
        "put_role_policy",
        RoleName=demo.role_name,
        PolicyName="drawbridge-patch",
        PolicyDocument=json.dumps(demo.patch),
    )
    demo.operate("connections", "verify", demo.connection_id, "--watch")
    connection = demo.connection()
    demo.confirm(
        connection["state"] == "active" and not connection["reasons"] and not count(connection["checks"], "denied"),
        "nothing is refused any more, and the connection is active",
    )
    demo.confirm(
        is_running(demo) and estate(demo) == demo.estate,
        "asking has changed nothing: the instance that Drawbridge tried to stop, start and reboot still runs, and the "
        "customer's instances, volumes, tags, snapshots, images, tables and backups are as they were",
    )


def stop_instance(demo):
    demo.step(
        "The operator stops the customer's instance",
        "One IAM action, in a session that may do that on that instance and nothing else, and is named after the "
        "operation, so that the customer's CloudTrail tells whose call it was. EC2 takes the request at once; it has "
        "succeeded when the instance is stopped. Who asked for it and why is kept.",
    )
    region = ("--region", REGION)
    demo.operate("ec2", "stop", demo.connection_id, demo.instance, *region, "--reason", "ticket 1234")
    demo.confirm(
        state_of(demo, demo.instance) == "stopped",
        "the instance is stopped, and the customer's account says so itself",
    )
    refused = demo.operate(
        "operations", "run", demo.connection_id, "ec2:TerminateInstances", *region,
        "--input", json.dumps({"InstanceIds": [demo.instance]}), expect=1,
    )
    demo.confirm(
        "capability_missing" in refused and state_of(demo, demo.instance) == "stopped",
        "what no capability of the connection holds is refused before AWS is asked",
    )


def back_up_tables(demo):
    demo.step(
        "The operator has the customer's tables backed up every night, and once at once",
        "EventBridge Scheduler holds the schedule; a run is the same at once. The backup is there when AWS says so, and "
        "with it is kept what a restore would lose: tags, time to live, stream, point-in-time recovery. Retention "
        "deletes only what Drawbridge has made itself, and only when the new backup is there.",
    )
    dynamodb = demo.client(demo.customer_keys, "dynamodb", REGION)
    table = demo.table = f"orders-{uuid.uuid4().hex[:8]}"
    definition = {
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
        "Tags": [{"Key": "team", "Value": "shop"}],
    }
    demo.call(demo.customer_keys, "dynamodb", "create_table", {"KeySchema": "…", "AttributeDefinitions": "…"},
              region=REGION, TableName=table, **definition)
    demo.cleanup.callback(delete_tables, demo, table)
    dynamodb.put_item(TableName=table, Item={"id": {"S": "order-1"}, "total": {"N": "42"}})

    when = ("--kind", "dynamodb-backup", "--expression", "cron(0 5 * * ? *)", "--timezone", "Europe/Berlin")
    made = demo.operate("schedules", "create", demo.connection_id, *when, "--name", table, "--keep-daily", "14")
    schedule = found("sch_[0-9a-f]{32}", made)
    demo.cleanup.callback(demo.operate_quietly, "schedules", "delete", schedule, "--yes")
    scheduler = demo.client(demo.root_keys, "scheduler")

    def held():
        with contextlib.suppress(scheduler.exceptions.ResourceNotFoundException):
            return scheduler.get_schedule(GroupName=demo.stack["schedule_group"], Name=schedule)
        return None

    demo.check(demo.eventually(held), "EventBridge does not hold the schedule")
    demo.confirm(held()["ScheduleExpressionTimezone"] == "Europe/Berlin", "EventBridge holds it, on Berlin's clocks")
    demo.operate("schedules", "preview", schedule, "--count", "3")

    run = ("--connection", demo.connection_id, "--kind", "dynamodb-backup", "--name", table, "--watch")
    demo.operate("runs", "start", *run)
    listed = demo.operate("backups", "list", demo.connection_id)
    demo.backup_id = found("bkp_[0-9a-f]{32}", listed)
    backups = dynamodb.list_backups(TableName=table)["BackupSummaries"]
    demo.confirm(
        [backup["BackupStatus"] for backup in backups] == ["AVAILABLE"],
        "the customer's own account shows one backup of the table, and it is available",
    )


def drill_restore(demo):
    demo.step(
        "A drill shows that the backup can be restored",
        "A backup that nobody has restored is only a hope. A drill restores the newest one to a table of its own, "
        "compares that with what was backed up, holds some items against the live table, and deletes it again. The "
        "evidence stays with the backup.",
    )
    run = ("--connection", demo.connection_id, "--kind", "restore-drill", "--name", demo.table, "--watch")
    started = demo.operate("runs", "start", *run)
    demo.operate("runs", "jobs", found("run_[0-9a-f]{32}", started))
    demo.operate("backups", "show", demo.backup_id)
    tables = demo.client(demo.customer_keys, "dynamodb", REGION).list_tables()["TableNames"]
    demo.confirm(
        demo.table in tables and not [name for name in tables if name.startswith("drawbridge-drill-")],
        "the live table is there, and none of the drill's",
    )


def restore_table(demo):
    demo.step(
        "Somebody deletes the table, and the operator restores it",
        "Restoring is a plan first: what will be made is shown before it is. When the new table is there, what DynamoDB "
        "does not bring back is set again, and what can be compared is.",
    )
    dynamodb = demo.client(demo.customer_keys, "dynamodb", REGION)
    demo.call(demo.customer_keys, "dynamodb", "delete_table", region=REGION, TableName=demo.table)
    target = f"{demo.table}-restored"
    demo.cleanup.callback(delete_tables, demo, target)
    demo.operate("restore", demo.backup_id, target, "--count-items", "--yes", "--watch")
    item = dynamodb.get_item(TableName=target, Key={"id": {"S": "order-1"}}).get("Item")
    arn = dynamodb.describe_table(TableName=target)["Table"]["TableArn"]
    tags = {tag["Key"]: tag["Value"] for tag in dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"]}
    demo.confirm(
        item is not None and item["total"] == {"N": "42"} and tags.get("team") == "shop",
        "the order is there again, and so are the table's tags",
    )


def delete_tables(demo, *names):
    """Those of them that are there."""
    dynamodb = demo.client(demo.customer_keys, "dynamodb", REGION)
    for name in names:
        with contextlib.suppress(dynamodb.exceptions.ResourceNotFoundException):
            dynamodb.delete_table(TableName=name)


def state_of(demo, instance):
    ec2 = demo.client(demo.customer_keys, "ec2", REGION)
    found_instances = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"]
    return found_instances[0]["State"]["Name"]


def launch_instance(demo):
    """The instance that what is done to instances is tried on. It ends with the demonstration."""
    launch = {"ImageId": IMAGE, "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1}
    launched = demo.call(demo.customer_keys, "ec2", "run_instances", region=REGION, **launch)
    instance = demo.instance = launched["Instances"][0]["InstanceId"]
    ec2 = demo.client(demo.customer_keys, "ec2", REGION)
    demo.cleanup.callback(ec2.terminate_instances, InstanceIds=[instance])
    demo.check(demo.eventually(lambda: is_running(demo)), f"{instance} does not run")
    demo.show(f"{instance} runs")
    demo.estate = estate(demo)


def estate(demo):
    """What is in the customer's account that the actions of the story could change."""
    ec2 = demo.client(demo.customer_keys, "ec2", REGION)
    dynamodb = demo.client(demo.customer_keys, "dynamodb", REGION)
    return {
        "instances": ec2.describe_instances()["Reservations"],
        "volumes": ec2.describe_volumes()["Volumes"],
        "tags": ec2.describe_tags()["Tags"],
        "snapshots": ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"],
        "images": ec2.describe_images(Owners=["self"])["Images"],
        "tables": dynamodb.list_tables()["TableNames"],
        "backups": dynamodb.list_backups()["BackupSummaries"],
    }


def is_running(demo):
    """Whether every instance of the customer's that was not ended before runs."""
    ec2 = demo.client(demo.customer_keys, "ec2", REGION)
    instances = [instance for group in ec2.describe_instances()["Reservations"] for instance in group["Instances"]]
    states = {instance["State"]["Name"] for instance in instances} - {"terminated"}
    return states == {"running"}


def count(checks, outcome):
    return sum(row["outcome"] == outcome for row in checks)


def show_evidence(demo):
    demo.step(
        "Drawbridge keeps the evidence",
        "Whoever has to show later why this role was trusted finds every question with the ID of the request to AWS, "
        "who asked for what and when, and the policy that lets the broker in.",
    )
    demo.operate("connections", "show", demo.connection_id)
    demo.operate("connections", "events", demo.connection_id)

    partition = f"CONNECTION#{demo.connection_id}"
    items = demo.items(partition)
    demo.note(f"The state table, partition {partition}:")
    demo.show("\n".join(item["sk"] for item in items))
    meta = next(item for item in items if item["sk"] == "META")
    demo.note("META, the connection itself (some of it):")
    names = ("pk", "sk", "state", "role_arn", "account_id", "external_id", "capabilities", "shard", "version")
    demo.show_json({name: meta[name] for name in names})
    evidence = evidence_among(items)
    demo.check(len(evidence) == 4, f"there is evidence of {len(evidence)} verifications and not of 4")
    demo.note("EVIDENCE of the last verification:")
    names = ("sk", "verification_id", "role_arn", "started_at", "finished_at", "state", "reasons", "checks")
    shown = {name: evidence[-1][name] for name in names}
    trust = evidence[-1]["trust"]
    probes = f"…{len(trust['probes'])} of them, as above…"
    demo.show_json(shown | {"trust": {"proven": trust["proven"], "proven_at": trust["proven_at"], "probes": probes}})
    demo.confirm(
        [item["state"] for item in evidence] == ["failed", "active", "degraded", "active"]
        and meta["state"] == "active",
        "every verification left its evidence, the refused one too",
    )
    owners = [item["connection_id"] for item in demo.items(f"ROLE#{demo.role_arn}") if item["sk"] == "OWNER"]
    demo.confirm(owners == [demo.connection_id], "the table names this connection as the owner of the role")

    names = demo.grant_of_role()
    demo.check(len(names) == 1, f"{len(names)} policies of {demo.broker} name the role")
    name, document = names[0], demo.grants()[names[0]]
    demo.note(f"The policy {name}, attached to {demo.broker}, as IAM has it:")
    demo.show_json(document)
    resources = [resource for statement in document["Statement"] for resource in as_list(statement["Resource"])]
    demo.confirm(
        demo.role_arn in resources and "*" not in "".join(resources) and "ExternalId" not in json.dumps(document),
        "it names whole ARNs, and no external ID: the refusals above can only have come from the customer's trust "
        "policy",
    )


def try_strangers(demo):
    demo.step(
        "Strangers try the role, with the right external ID",
        "An external ID is no password: knowing it must not be enough. The first of them walked in at step 4. The "
        "second is the operator of this story, whom the provider's own policies do not even let ask. The third is "
        "the administrator of another customer's account.",
    )
    strangers = {
        "the administrator of the provider's account": demo.insider_keys,
        "the operator": demo.stack["operator"],
        "another customer's administrator": demo.neighbour_keys,
    }
    for who, keys in strangers.items():
        session = assume(demo, keys, ExternalId=demo.external_id)
        demo.confirm(session is None, f"AWS refuses {who}")


def sum_up(demo, seconds):
    print("\n" + styled("In short", "1"))
    for item in evidence_among(demo.items(f"CONNECTION#{demo.connection_id}")):
        took = isoparse(item["finished_at"]) - isoparse(item["started_at"])
        reasons = f": {', '.join(item['reasons'])}" if item["reasons"] else ""
        demo.show(f"verification, {took.total_seconds():.1f} s  {item['state']}{reasons}")
    demo.show(f"the whole story, {seconds:.1f} s  {demo.steps} steps, each of them checked")


def evidence_among(items):
    """What verifications left behind, the oldest first: the sort key holds the time."""
    return [item for item in items if item["sk"].startswith("EVIDENCE#")]


def as_list(value):
    return value if isinstance(value, list) else [value]


def found(pattern, text, group=0):
    match = re.search(pattern, text, re.DOTALL)
    if match is None:
        raise NotAsTold(f"there is no {pattern} in the command's answer")
    return match.group(group)


def command_line(arguments):
    """The command as it can be typed, on as many lines as it takes."""
    words = [shlex.quote(argument) for argument in arguments]
    lines = textwrap.wrap(
        f"$ drawbridge {' '.join(words)}",
        WIDTH - 2,
        initial_indent="   ",
        subsequent_indent="       ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return " \\\n".join(lines)


def styled(text, code):
    return f"\033[{code}m{text}\033[0m" if COLOURED and code else text


def fitted(line):
    """A line of output, indented below its command. One that is too long goes on below where its value began; a row of
    a table is cut."""
    indent = "     "
    if len(indent + line) <= WIDTH:
        return (indent + line).rstrip()
    if len(re.findall(r"(?<=\S)\s{2,}(?=\S)", line)) >= COLUMNS_OF_A_TABLE - 1:
        return f"{(indent + line)[: WIDTH - 1]}…"
    gap = re.search(r"(?<=\S)\s{2,}(?=\S)", line)
    hanging = gap.end() if gap else len(line) - len(line.lstrip()) + 2
    return textwrap.fill(
        line,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent + " " * hanging,
        replace_whitespace=False,
        break_long_words=False,
        break_on_hyphens=False,
    )


if __name__ == "__main__":
    sys.exit(main())
