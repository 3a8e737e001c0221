"""The service on AWS: Lambda functions, deployed by infra/service.yaml and described in docs/aws.md.

site.handler       the public site, by an HTTP API
desk.handler       the officers' desk, by an HTTP API of its own
decide.handler     rules, from the table's stream
sequence.handler   the decision log, requests to the issuer and revocations, from the table's stream
answers.handler    the issuer's answers, from its queue
tidy.handler       what is due, on a schedule
facts.handler      the facts of statistics, from the decision log, on a schedule
compact.handler    a file of facts for each day that is over, on a schedule
"""
