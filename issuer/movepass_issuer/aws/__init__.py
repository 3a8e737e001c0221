"""The issuing side on AWS: three Lambda functions, held together by infra/template.yaml; docs/aws.md tells of them.

issue.handler      approved passes from a queue, a direct invocation or the function's URL
revoke.handler     revocations by direct invocation
publish.handler    the publisher, on a schedule
"""
