-- title en: Time to decision
-- title bn: সিদ্ধান্ত পর্যন্ত সময়
-- question en: How long do urgent and ordinary applications wait for their decision, from rules and from officers?
-- question bn: জরুরি ও সাধারণ আবেদন সিদ্ধান্তের জন্য কতক্ষণ অপেক্ষা করে, নিয়মে আর কর্মকর্তার কাছে?
-- place: 3
-- chart: median_s
-- filter: district from_district
-- filter: reason reason
-- column: lane | text | Lane | সারি
-- column: decided_by | text | Decided by | কার সিদ্ধান্ত
-- column: decisions | count | Decisions | সিদ্ধান্ত
-- column: median_s | s | Half are decided within | অর্ধেকের সিদ্ধান্ত এর মধ্যে
-- column: p90_s | s | 90 % within | ৯০ % এর মধ্যে
-- column: p99_s | s | 99 % within | ৯৯ % এর মধ্যে
WITH by_seconds AS (
    SELECT lane, decided_by, waited_s, count(*) AS decisions
    FROM facts
    WHERE {days} AND type = 'decided' AND outcome IN ('approve', 'reject'){filters}
    GROUP BY lane, decided_by, waited_s
), by_whom AS (
    SELECT
        lane,
        CASE WHEN grouping(decided_by) = 1 THEN 'all' ELSE decided_by END AS decided_by,
        waited_s,
        sum(decisions) AS decisions
    FROM by_seconds
    GROUP BY GROUPING SETS ((lane, waited_s), (lane, decided_by, waited_s))
), summed AS (
    SELECT
        lane,
        decided_by,
        waited_s,
        sum(decisions) OVER (PARTITION BY lane, decided_by ORDER BY waited_s) AS up_to,
        sum(decisions) OVER (PARTITION BY lane, decided_by) AS decisions
    FROM by_whom
)
SELECT
    lane,
    decided_by,
    max(decisions) AS decisions,
    min(waited_s) FILTER (WHERE up_to * 2 >= decisions) AS median_s,
    min(waited_s) FILTER (WHERE up_to * 10 >= decisions * 9) AS p90_s,
    min(waited_s) FILTER (WHERE up_to * 100 >= decisions * 99) AS p99_s
FROM summed
GROUP BY lane, decided_by
ORDER BY lane DESC, decided_by
