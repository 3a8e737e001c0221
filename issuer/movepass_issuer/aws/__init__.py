"""The issuing side on AWS: three Lambda functions, deployed by infra/template.yaml and described in docs/aws.md.

issue.handler      approved passes from a queue, a direct invocation or the function's URL
revoke.handler     revocations by direct invocation
publish.handler    the publisher, on a schedule
"""
