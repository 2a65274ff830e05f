"""What AWS asks before it acts, where the emulator asks less: Regions that an account has not enabled, the policies of
its organization, and which kind of policy a refusal is for.

A test sets the first two by HTTP, on the same address as the local AWS:

    PUT    /_drawbridge/regions/ACCOUNT/REGION      enables an opt-in Region, as the account's own EnableRegion does
    DELETE /_drawbridge/regions/ACCOUNT/REGION      disables it again; every opt-in Region begins disabled
    PUT    /_drawbridge/organization/ACCOUNT        the account's service control policy, a policy document as AWS takes
                                                    it: {"Version": "2012-10-17", "Statement": […]}
    DELETE /_drawbridge/organization/ACCOUNT        takes it away; the account has FullAWSAccess alone, as at first
"""

import contextvars
import functools
import json
import re
import secrets

REGIONS_PATH = "/_drawbridge/regions/"
ORGANIZATION_PATH = "/_drawbridge/organization/"
ACCOUNT = re.compile(r"\d{12}")

# AWS General Reference, "Manage AWS Regions": Regions that are off until an account enables them.
OPT_IN_REGIONS = frozenset(
    (
        "af-south-1",
        "ap-east-1",
        "ap-east-2",
        "ap-south-2",
        "ap-southeast-3",
        "ap-southeast-4",
        "ap-southeast-5",
        "ap-southeast-6",
        "ap-southeast-7",
        "ca-west-1",
        "eu-central-2",
        "eu-south-1",
        "eu-south-2",
        "il-central-1",
        "me-central-1",
        "me-south-1",
        "mx-central-1",
    )
)

# Services whose refusals name the kind of policy, and how they do. EC2: EC2 API Reference, "Error codes for the Amazon
# EC2 API" (UnauthorizedOperation). DynamoDB: DynamoDB Developer Guide, "Error handling with DynamoDB"
# (AccessDeniedException, HTTP 400). EC2 Instance Connect has the JSON protocol's own, also 400.
EXPLAINED = ("ec2", "dynamodb", "dynamodbstreams", "ec2-instance-connect")

# Why, and about which resource, the latest question of this request was answered with no.
_refused = contextvars.ContextVar("drawbridge_refused", default=None)
# Whose key and which Region the request is signed with, for what its handler has to ask further.
signed_by = contextvars.ContextVar("drawbridge_signed_by", default=("", ""))


class Limit(list):
    """One of the sets of policies that limit a principal's own, which knows its kind."""

    kind = ""


class Organization:
    """Which Regions accounts have enabled, and their service control policies."""

    def __init__(self):
        self._enabled = set()
        self._policies = {}

    def region_status(self, account, region):
        if region not in OPT_IN_REGIONS:
            return "ENABLED_BY_DEFAULT"
        return "ENABLED" if (account, region) in self._enabled else "DISABLED"

    def enable_region(self, account, region, enabled=True):
        (self._enabled.add if enabled else self._enabled.discard)((account, region))

    def set_policy(self, account, document):
        from ministack.core.iam_evaluator import parse_policy_document

        self._policies[account] = parse_policy_document(document)

    def remove_policy(self, account):
        self._policies.pop(account, None)

    def policy(self, account):
        return self._policies.get(account)

    # What tests ask for.

    def answer_region(self, method, path, _request):
        if method not in ("PUT", "DELETE"):
            return 405, {"message": "PUT or DELETE"}
        account, _, region = path.partition("/")
        if not ACCOUNT.fullmatch(account) or region not in OPT_IN_REGIONS:
            return 400, {"message": f"no account with an opt-in Region: {account}/{region}"}
        self.enable_region(account, region, method == "PUT")
        return 200, {"account_id": account, "region": region, "enabled": method == "PUT"}

    def answer_policy(self, method, account, request):
        if method not in ("PUT", "DELETE"):
            return 405, {"message": "PUT or DELETE"}
        if not ACCOUNT.fullmatch(account):
            return 400, {"message": f"no account: {account}"}
        if method == "DELETE":
            self.remove_policy(account)
        elif request.get("Statement"):
            self.set_policy(account, request)
        else:
            return 400, {"message": "no policy document"}
        return 200, {"account_id": account}


def mend_authorization(organization):
    name_the_kinds_of_limits()
    say_why_policies_refuse()
    ask_the_organization(organization)
    answer_refusals_as_aws_does()
    tell_which_regions_are_enabled(organization)


def name_the_kinds_of_limits():
    from ministack.core import iam_evaluator

    def naming(function_name, kind):
        original = getattr(iam_evaluator, function_name)

        @functools.wraps(original)
        def named(*arguments):
            limits = [Limit(limit) for limit in original(*arguments)]
            for limit in limits:
                limit.kind = kind
            return limits

        setattr(iam_evaluator, function_name, named)

    naming("_permissions_boundary", "permissions boundary")
    naming("_session_policy_limits", "session policy")


def say_why_policies_refuse():
    """AWS says which kind of policy refuses (IAM User Guide, "Troubleshoot access denied error messages"); the emulator
    always blames an identity-based one. Where several kinds refuse, AWS names one of them."""
    from ministack.core import iam_evaluator

    original = iam_evaluator.evaluate

    @functools.wraps(original)
    def evaluate(context, policies, *limits):
        result = original(context, policies, *limits)
        if result.decision == "Allow":
            return result
        kinds = ["identity-based policy", *(getattr(limit, "kind", "session policy") for limit in limits)]
        layers = [[statement for one in layer for statement in one] for layer in (policies, *limits)]
        effect = "Deny" if result.decision == "Deny" else "Allow"
        for kind, statements in zip(kinds, layers, strict=True):
            if bool(iam_evaluator._first_match(context, statements, effect)) == (effect == "Deny"):
                result.reason = reason(kind, context.action, explicit=effect == "Deny")
                break
        return result

    iam_evaluator.evaluate = evaluate


def reason(kind, action, explicit):
    article = "an" if kind[0] in "aeiou" else "a"
    return f"with an explicit deny in {article} {kind}" if explicit else f"because no {kind} allows the {action} action"


def ask_the_organization(organization):
    """A request signed for a Region that the account has not enabled fails as one with unknown credentials does, for
    IAM's data is not there (AWS General Reference, "Manage AWS Regions"; AWS re:Post, "AuthFailure … not able to
    validate the provided access credentials"). A service control policy bounds every principal of its account, its
    root too (AWS Organizations User Guide, "Service control policies"). The emulator knows neither."""
    from ministack.core import iam_evaluator
    from ministack.core.responses import get_account_id

    original = iam_evaluator.enforce

    @functools.wraps(original)
    def enforce(access_key_id, iam_action, service, region, resource_arn="*", service_context=None):
        _refused.set(None)
        signed_by.set((access_key_id, region))
        account = get_account_id()
        if organization.region_status(account, region) == "DISABLED":
            return iam_evaluator.AuthError(
                "UnrecognizedClientException", "The security token included in the request is invalid."
            )
        answered = original(access_key_id, iam_action, service, region, resource_arn, service_context)
        if not isinstance(answered, iam_evaluator.AuthError) and organization.policy(account) is not None:
            principal = iam_evaluator.resolve_principal(access_key_id or "", account)
            if isinstance(principal, iam_evaluator.PrincipalInfo):
                context = iam_evaluator.EvalContext(
                    principal_arn=principal.arn,
                    principal_type=principal.type,
                    principal_account=principal.account,
                    action=iam_action,
                    resource_arn=resource_arn,
                    region=region,
                    service_context={key.lower(): value for key, value in (service_context or {}).items()},
                    principal_keys=principal.keys,
                )
                answered = refused_by_organization(organization.policy(account), context) or answered
        if isinstance(answered, iam_evaluator.EvalResult):
            _refused.set((answered.reason, resource_arn))
        return answered

    iam_evaluator.enforce = enforce


def refused_by_organization(statements, context):
    """A policy of denials is one beside FullAWSAccess, as AWS attaches it; one that allows something replaces it."""
    from ministack.core import iam_evaluator

    kind, allows = "service control policy", any(statement.effect == "Allow" for statement in statements)
    if iam_evaluator._first_match(context, statements, "Deny"):
        decision, explicit = "Deny", True
    elif allows and not iam_evaluator._first_match(context, statements, "Allow"):
        decision, explicit = "ImplicitDeny", False
    else:
        return None
    return iam_evaluator.EvalResult(decision, context.principal_arn, "", reason(kind, context.action, explicit))


def refused(service, action, arn, context=None):
    """What AWS answers whoever signed this request if he may not do this besides; None if he may."""
    from ministack.core import iam_actions, iam_evaluator
    from ministack.core.responses import new_uuid

    access_key_id, region = signed_by.get()
    if not access_key_id:
        return None
    denied = iam_evaluator.enforce(access_key_id, action, action.split(":")[0], region, arn, context)
    if not isinstance(denied, iam_evaluator.EvalResult):
        return None
    explicit = denied.decision == "Deny"
    return iam_actions.access_denied_response(
        service, action, denied.principal_arn, new_uuid(), resource_arn=arn, explicit_deny=explicit
    )


def answer_refusals_as_aws_does():
    """EC2's refusals begin with a sentence of its own and end with an encoded message, save those of actions that name
    no resource; DynamoDB's and EC2 Instance Connect's are HTTP 400. The emulator's name no resource, and are 403."""
    from ministack.core import iam_actions
    from ministack.core.responses import get_account_id, get_region

    original = iam_actions.access_denied_response

    @functools.wraps(original)
    def denied(service, action, principal_arn, request_id, **details):
        if service not in EXPLAINED or details.get("error_code") or details.get("message"):
            return original(service, action, principal_arn, request_id, **details)
        why, resource = _refused.get() or (
            reason("identity-based policy", action, details.get("explicit_deny", False)),
            details.get("resource_arn", "*"),
        )
        if details.get("resource_policy_arn"):
            why = "with an explicit deny in a resource-based policy"
        if resource == "*" and service.startswith("dynamodb"):
            # What DynamoDB calls all that its lists are about.
            resource = f"arn:aws:dynamodb:{get_region()}:{get_account_id()}:table/*"
        on_resource = "" if resource == "*" else f" on resource: {resource}"
        message = f"User: {principal_arn} is not authorized to perform: {action}{on_resource} {why}"
        if service == "ec2":
            message = f"You are not authorized to perform this operation. {message}"
            if on_resource:
                # On AWS it is long, and only AWS can decode it.
                message += f". Encoded authorization failure message: {secrets.token_urlsafe(300)}"
            return original(service, action, principal_arn, request_id, **{**details, "message": message})
        body = json.dumps({"__type": "com.amazon.coral.service#AccessDeniedException", "Message": message}).encode()
        version = "1.1" if service == "ec2-instance-connect" else "1.0"
        return 400, {"Content-Type": f"application/x-amz-json-{version}", "x-amzn-RequestId": request_id}, body

    iam_actions.access_denied_response = denied


def tell_which_regions_are_enabled(organization):
    """account:GetRegionOptStatus, ListRegions, EnableRegion, DisableRegion (Account Management API Reference) and
    ec2:DescribeRegions, which leaves out Regions that are not enabled unless AllRegions asks for them (EC2 API
    Reference). The emulator has all enabled. On AWS enabling takes minutes, here no time."""
    from ministack.core.responses import error_response_json, get_account_id
    from ministack.services import account, ec2

    regions = [name for name in account._REGIONS_LIST if name not in OPT_IN_REGIONS]
    regions = sorted({*regions, *OPT_IN_REGIONS})

    def listed(payload):
        wanted = payload.get("RegionOptStatusContains") or []
        found = [{"RegionName": name, "RegionOptStatus": status(name)} for name in regions]
        return account._json(200, {"Regions": [one for one in found if not wanted or one["RegionOptStatus"] in wanted]})

    def status(name):
        return organization.region_status(get_account_id(), name)

    def opt_status(payload):
        name = payload.get("RegionName")
        if name not in regions:
            return error_response_json("ValidationException", f"Region not found: {name}", 400)
        return account._json(200, {"RegionName": name, "RegionOptStatus": status(name)})

    def switched(enabled):
        def switch(payload):
            name = payload.get("RegionName")
            if name not in OPT_IN_REGIONS:
                return error_response_json("ValidationException", f"{name} cannot be enabled or disabled.", 400)
            organization.enable_region(get_account_id(), name, enabled)
            return 200, {"Content-Type": "application/json"}, b""

        return switch

    account._DISPATCH.update(
        {
            "/listRegions": listed,
            "/getRegionOptStatus": opt_status,
            "/enableRegion": switched(True),
            "/disableRegion": switched(False),
        }
    )

    opted = {"ENABLED_BY_DEFAULT": "opt-in-not-required", "ENABLED": "opted-in", "DISABLED": "not-opted-in"}

    def described(params):
        asked = ec2._parse_member_list(params, "RegionName")
        every = ec2._p(params, "AllRegions").lower() == "true"
        items = ""
        for name in regions:
            if (asked and name not in asked) or (status(name) == "DISABLED" and not every):
                continue
            items += (
                f"<item><regionName>{name}</regionName><regionEndpoint>ec2.{name}.amazonaws.com</regionEndpoint>"
                f"<optInStatus>{opted[status(name)]}</optInStatus></item>"
            )
        return ec2._xml(200, "DescribeRegionsResponse", f"<regionInfo>{items}</regionInfo>")

    ec2._ACTION_MAP["DescribeRegions"] = described
