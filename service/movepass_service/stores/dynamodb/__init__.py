"""The store on AWS: one DynamoDB table, in which several functions work at once. Needs the [aws] extra.

Items, by partition key `pk` and sort key `sk`:

    A#REFERENCE   C              the content of an application as it came, written once, and again by a correction
                  S              its state: decisions with their records, passes, hold, notes. None while it is received
    P#HASH        -              a person's week: passes and applications by the keyed hash of the identity number
    LOG           POSITION       a chunk of the decision log, from this position on, and whose leaves they are
    ADMIN         POSITION       the record of an act of administration
    HEAD          -              the newest signed head; OFFERED HASH those that were published
    LOOK#ID       -              an approval that was drawn for a second look
    BY#OFFICER    -, TIME#…      how many approvals an officer made, and when; PEOPLE#SHARD TIME#… decisions of people
    KEYS          WEEK           keys of identity hashes
    RULES         VERSION, -     rule sets, and which is in force
    META#NAME     -              values of the service's own
    OFFICERS      NAME           an officer's account; accounts.py names what leads to one
    NUMBERS       -              the key of registered numbers' hashes; numbers.py names what is kept of these

What is not on the plain path has attributes that a sparse index holds: `cases` (waits for an officer), `holds`,
`revocations` (passes to revoke) and `looks` (second looks by outcome). An application that rules approve is in none.

Every change of an application is one conditional write of its item S, which names the version that was read. Its leaf
for the log is part of that write; `sequence` appends such leaves to the log in chunks afterwards. A chunk says whose
leaves it holds, so a leaf is appended once, whoever tries how often. Quotas are claimed in the person's item before a
decision is written; a claim without an approved application is taken back by whoever decides that application next.

Write units of an application that rules approve: 1 for its content, 1 for the claim, 1 for its state when it is decided
and 1 when it is issued, and its share of two chunks. An item of more than 1 KB takes more, so documents are compressed.

TTL (attribute `expires`) deletes an item within days of its time; until then it is hidden.

Source: Amazon DynamoDB Developer Guide, https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ (read/write
units; TransactWriteItems: 100 items; BatchGetItem: 100).
"""
