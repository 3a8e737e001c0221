"""An issuing service that has the functions on AWS do it (docs/aws.md): at once, or by the queues.

    python examples/lambda_client.py STACK request.json

Needs boto3, and an AWS role that may describe the stack, invoke its issue function, and use its two queues.
"""

import json
import sys
from pathlib import Path

import boto3

stack = boto3.client("cloudformation").describe_stacks(StackName=sys.argv[1])["Stacks"][0]
outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
request = json.loads(Path(sys.argv[2]).read_text("utf-8"))

# At once, while somebody waits. FunctionError means: not now; asking again can't issue it twice.
invoked = boto3.client("lambda").invoke(FunctionName=outputs["IssueFunctionName"], Payload=json.dumps(request))
answer = json.loads(invoked["Payload"].read())
if "FunctionError" in invoked:
    sys.exit(f"ask again: {answer['errorMessage']}")
print(json.dumps(answer))  # {"request_id", "pass_number", "text"}, or {"request_id", "error"}

# By the queues, at any rate: hand it over and go on. It is the same request, so it has the same pass.
sqs = boto3.client("sqs")
sqs.send_message(QueueUrl=outputs["RequestsUrl"], MessageBody=json.dumps(request))
answered = False
while not answered:
    got = sqs.receive_message(QueueUrl=outputs["AnswersUrl"], MaxNumberOfMessages=10, WaitTimeSeconds=20)
    for message in got.get("Messages", []):
        answer = json.loads(message["Body"])  # may come twice: note it by its request id
        print(json.dumps(answer))
        answered |= answer.get("request_id") == request["request_id"]
        sqs.delete_message(QueueUrl=outputs["AnswersUrl"], ReceiptHandle=message["ReceiptHandle"])
