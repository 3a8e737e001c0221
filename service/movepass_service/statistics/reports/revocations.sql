-- title en: Revocations
-- title bn: পাস বাতিল
-- question en: Why are passes revoked, and how long until the lists that devices fetch had them?
-- question bn: পাস কেন বাতিল হয়, আর যন্ত্রের তালিকায় আসতে কত সময় লাগে?
-- place: 12
-- filter: district from_district
-- filter: reason reason
-- column: outcome | text | Why | কেন
-- column: revoked | count | Passes revoked | বাতিল পাস
-- column: listed | count | Of these in a published list | এর মধ্যে প্রকাশিত তালিকায়
-- column: median_s | s | Half were listed within | অর্ধেক তালিকায় এর মধ্যে
-- column: p90_s | s | 90 % within | ৯০ % এর মধ্যে
-- column: p99_s | s | 99 % within | ৯৯ % এর মধ্যে
-- column: longest_s | s | The longest | সবচেয়ে বেশি
-- note: A publication on the day after counts too. A device has a list after its next sync.
WITH listed AS (
    SELECT
        type,
        outcome,
        at_s - noted_s AS happened,
        min(CASE type WHEN 'published' THEN at_s END) OVER (
            ORDER BY at_s, type DESC ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
        ) AS published
    FROM facts
    WHERE {days_on(1)} AND (type = 'published' OR (type = 'revoked' AND {days}{filters}))
)
SELECT
    CASE WHEN grouping(outcome) = 1 THEN 'all' ELSE outcome END AS outcome,
    count(*) AS revoked,
    count(published) AS listed,
    {quantile(published - happened, 0.5)} AS median_s,
    {quantile(published - happened, 0.9)} AS p90_s,
    {quantile(published - happened, 0.99)} AS p99_s,
    max(published - happened) AS longest_s
FROM listed
WHERE type = 'revoked'
GROUP BY GROUPING SETS ((), (outcome))
HAVING count(*) > 0
ORDER BY revoked DESC, outcome
