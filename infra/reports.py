"""Write reports.yaml, with which Athena answers, and the tables of docs/reports.md: `make athena`.

The table's columns come from the data dictionary, and the queries from the reports' files.
"""

import re
import sys
import textwrap
from pathlib import Path

from movepass_service.statistics.facts import DICTIONARY, TYPES
from movepass_service.statistics.reports import Report, all_reports
from movepass_service.statistics.templates import ATHENA, LastDays, render

TEMPLATE = Path(__file__).with_suffix(".yaml")
PAGE = Path(__file__).parents[1] / "docs" / "reports.md"
DAYS = 7
"""Days that a saved query is about."""
FIRST_DAY = "2021-04-01"
_TYPES = {"VARCHAR": "string", "INTEGER": "int", "BIGINT": "bigint", "BOOLEAN": "boolean"}
_HEAD = """\
# Written by infra/reports.py (make athena) from the data dictionary and the reports' files; change those.
AWSTemplateFormatVersion: "2010-09-09"
Description: Movepass, reports - Athena asks the facts without people. docs/reports.md says who may, and what it costs.

Parameters:
  FactsBucket:
    Type: String
    MinLength: 3
    Description: The bucket of the facts; those of a day are below facts/day=YYYY-MM-DD/.
  DatabaseName:
    Type: String
    Default: movepass_facts
    AllowedPattern: "[a-z0-9_]+"
    Description: Athena's name for the facts; two stacks in one region need two.
  ScanLimit:
    Type: Number
    Default: 10737418240
    MinValue: 10000000
    Description: Bytes that one query may scan, at which Athena ends it. 10 GB cost 5 US cents.
  ResultDays:
    Type: Number
    Default: 7
    MinValue: 1
    Description: Days for which results are kept.

Resources:
  Results:
    Type: AWS::S3::Bucket
    DeletionPolicy: Delete
    UpdateReplacePolicy: Delete
    Properties:
      BucketEncryption:
        ServerSideEncryptionConfiguration: [{ServerSideEncryptionByDefault: {SSEAlgorithm: AES256}}]
      PublicAccessBlockConfiguration:
        {BlockPublicAcls: true, BlockPublicPolicy: true, IgnorePublicAcls: true, RestrictPublicBuckets: true}
      OwnershipControls: {Rules: [{ObjectOwnership: BucketOwnerEnforced}]}
      LifecycleConfiguration:
        Rules:
          - Status: Enabled
            ExpirationInDays: !Ref ResultDays
            AbortIncompleteMultipartUpload: {DaysAfterInitiation: 1}
  Questions:
    Type: AWS::Athena::WorkGroup
    Properties:
      Name: !Sub "${AWS::StackName}-reports"
      Description: Questions about facts without people, each with a limit.
      RecursiveDeleteOption: true
      WorkGroupConfiguration:
        EnforceWorkGroupConfiguration: true # nobody raises the limit or writes results elsewhere
        BytesScannedCutoffPerQuery: !Ref ScanLimit
        PublishCloudWatchMetricsEnabled: true
        RequesterPaysEnabled: false
        EngineVersion: {SelectedEngineVersion: Athena engine version 3}
        ResultConfiguration:
          OutputLocation: !Sub "s3://${Results}/"
          EncryptionConfiguration: {EncryptionOption: SSE_S3}
  Database:
    Type: AWS::Glue::Database
    Properties:
      CatalogId: !Ref AWS::AccountId
      DatabaseInput:
        Name: !Ref DatabaseName
        Description: Facts without people.
  Facts:
    Type: AWS::Glue::Table
    Properties:
      CatalogId: !Ref AWS::AccountId
      DatabaseName: !Ref Database
      TableInput:
        Name: facts
        Description: One row an event, with nobody in it.
        TableType: EXTERNAL_TABLE
        Parameters: # the days need not be listed: a query's days name the folders that it reads
          classification: parquet
          projection.enabled: "true"
          projection.day.type: date
          projection.day.format: yyyy-MM-dd
          projection.day.range: "{first_day},NOW+1DAYS" # NOW is in UTC, and Dhaka's day begins before
          projection.day.interval: "1"
          projection.day.interval.unit: DAYS
          storage.location.template: !Sub "s3://${FactsBucket}/facts/day=${!day}/"
        PartitionKeys: [{Name: day, Type: string, Comment: "the day in Dhaka on which it happened, YYYY-MM-DD"}]
        StorageDescriptor:
          Location: !Sub "s3://${FactsBucket}/facts/"
          InputFormat: org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat
          OutputFormat: org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat
          SerdeInfo: {SerializationLibrary: org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe}
          Columns:
"""
_ASKS = """\
  AsksReports: # give it to the role of auditors: Athena shows single events, and hides no small count
    Type: AWS::IAM::ManagedPolicy
    Properties:
      Description: Ask the facts by the workgroup of the reports.
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Action:
              - athena:BatchGetNamedQuery
              - athena:GetNamedQuery
              - athena:GetQueryExecution
              - athena:GetQueryResults
              - athena:GetWorkGroup
              - athena:ListNamedQueries
              - athena:ListQueryExecutions
              - athena:StartQueryExecution
              - athena:StopQueryExecution
            Resource: !Sub "arn:${AWS::Partition}:athena:${AWS::Region}:${AWS::AccountId}:workgroup/${Questions}"
          - Effect: Allow
            Action: [glue:GetDatabase, glue:GetTable, glue:GetTables]
            Resource:
              - !Sub "arn:${AWS::Partition}:glue:${AWS::Region}:${AWS::AccountId}:catalog"
              - !Sub "arn:${AWS::Partition}:glue:${AWS::Region}:${AWS::AccountId}:database/${Database}"
              - !Sub "arn:${AWS::Partition}:glue:${AWS::Region}:${AWS::AccountId}:table/${Database}/facts"
          - Effect: Allow
            Action: [s3:GetObject]
            Resource: !Sub "arn:${AWS::Partition}:s3:::${FactsBucket}/facts/*"
          - Effect: Allow
            Action: [s3:ListBucket, s3:GetBucketLocation]
            Resource: !Sub "arn:${AWS::Partition}:s3:::${FactsBucket}"
          - Effect: Allow
            Action: [s3:GetBucketLocation, s3:ListBucket]
            Resource: !GetAtt Results.Arn
          - Effect: Allow
            Action: [s3:GetObject, s3:PutObject, s3:AbortMultipartUpload]
            Resource: !Sub "${Results.Arn}/*"

Outputs:
  WorkGroup: {Value: !Ref Questions}
  Database: {Value: !Ref Database}
  ResultsBucket: {Value: !Ref Results}
  AsksReports: {Value: !Ref AsksReports, Description: The policy of whoever may ask.}
"""
_COMMENT_MAX = 255


def write_template() -> str:
    """Write the template."""
    columns = [_column(name) for name in DICTIONARY if name != "day"]
    queries = [_query(report) for report in all_reports().values()]
    return _HEAD.replace("{first_day}", FIRST_DAY) + "".join(columns) + "".join(queries) + _ASKS


def _column(name: str) -> str:
    entry = DICTIONARY[name]
    comment = _quoted(entry.means[:_COMMENT_MAX])
    return f"            - {{Name: {name}, Type: {_TYPES[entry.sql]}, Comment: {comment}}}\n"


def _query(report: Report) -> str:
    resource = "Asks" + "".join(word.capitalize() for word in report.name.split("-"))
    text = render(report.sql, LastDays(DAYS), ATHENA)
    question = report.questions["en"]
    return (
        f"  {resource}:\n"
        "    Type: AWS::Athena::NamedQuery\n"
        "    Properties:\n"
        f"      Name: {report.name}\n"
        f"      Description: {_quoted(f'{question} The last {DAYS} whole days.')}\n"
        "      Database: !Ref Database\n"
        "      WorkGroup: !Ref Questions\n"
        "      QueryString: |\n" + textwrap.indent(text + "\n", " " * 8)
    )


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def write_page(page: str) -> str:
    """Return the page with its tables: reports, the data dictionary, types of events."""
    reports: list[tuple[str, ...]] = [
        (f"`{one.name}`", one.questions["en"], ", ".join(f"`{column.name}`" for column in one.columns),
         ", ".join(f"`--{parameter.name}`" for parameter in one.parameters))
        for one in all_reports().values()
    ]  # fmt: skip
    columns: list[tuple[str, ...]] = [(f"`{name}`", entry.sql, entry.means) for name, entry in DICTIONARY.items()]
    types: list[tuple[str, ...]] = [(f"`{name}`", means) for name, means in TYPES.items()]
    tables: dict[str, tuple[tuple[str, ...], list[tuple[str, ...]]]] = {
        "reports": (("report", "question", "columns", "filters"), reports),
        "dictionary": (("column", "type", "means"), columns),
        "types": (("type", "means"), types),
    }
    for name, (head, rows) in tables.items():
        lines = [head, ("---",) * len(head), *rows]
        text = "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
        page = re.sub(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", rf"\g<1>{text}\g<2>", page, flags=re.DOTALL)
    return page


if __name__ == "__main__":
    TEMPLATE.write_text(write_template(), "utf-8")
    PAGE.write_text(write_page(PAGE.read_text("utf-8")), "utf-8")
    print(f"{TEMPLATE}: {len(all_reports())} queries", file=sys.stderr)
