"""What AWS's services answer when they throttle, fail, or are out: the code, the status and the form of each.

Sources: "Common errors" of the API references of DynamoDB, SQS, IAM and STS; DynamoDB Developer Guide, "Error handling
with DynamoDB"; SQS API Reference, SendMessage (RequestThrottled); IAM API Reference, CreatePolicy (ServiceFailure);
EventBridge Scheduler API Reference, CreateSchedule.
"""

import json
import uuid

ANSWERS = {
    "throttling": {
        "DynamoDB": ("com.amazon.coral.availability#ThrottlingException", 400),
        "SQS": ("com.amazonaws.sqs#RequestThrottled", 400),
        "Scheduler": ("ThrottlingException", 429),
        None: ("Throttling", 400),
    },
    "internal_error": {
        "DynamoDB": ("com.amazonaws.dynamodb.v20120810#InternalServerError", 500),
        "SQS": ("com.amazonaws.sqs#InternalFailure", 500),
        "IAM": ("ServiceFailure", 500),
        "Scheduler": ("InternalServerException", 500),
        None: ("InternalFailure", 500),
    },
    "unavailable": {
        "DynamoDB": ("com.amazon.coral.availability#ServiceUnavailable", 503),
        "SQS": ("com.amazonaws.sqs#ServiceUnavailable", 503),
        None: ("ServiceUnavailable", 503),
    },
}

MESSAGES = {
    "throttling": "Rate exceeded",
    "internal_error": "The request processing has failed because of an unknown error, exception or failure.",
    "unavailable": "The request has failed due to a temporary failure of the server.",
}


def answer(fault, call):
    """Status, headers and body of the service's own answer."""
    codes = ANSWERS[fault]
    code, status = codes.get(call.service, codes[None])
    who = "Sender" if status < 500 else "Receiver"
    request_id = str(uuid.uuid4())
    headers = {"x-amzn-requestid": request_id}
    if call.service == "Scheduler":
        headers |= {"content-type": "application/json", "x-amzn-errortype": code}
        body = json.dumps({"Message": MESSAGES[fault]})
    elif call.json:
        headers["content-type"] = "application/x-amz-json-1.0"
        if call.service == "SQS":
            # The code of the old protocol, by which older clients decide.
            headers["x-amzn-query-error"] = f"{code.rsplit('#', 1)[-1]};{who}"
        body = json.dumps({"__type": code, "message": MESSAGES[fault]})
    else:
        headers["content-type"] = "text/xml"
        body = (
            f"<ErrorResponse><Error><Type>{who}</Type><Code>{code}</Code><Message>{MESSAGES[fault]}</Message></Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
    return status, headers, body.encode()
