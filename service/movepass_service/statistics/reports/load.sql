-- title en: Load
-- title bn: চাপ
-- question en: How many applications come in an hour and in its busiest minute, do rules and passes keep up, and how long is the line?
-- question bn: ঘণ্টায় ও সবচেয়ে ব্যস্ত মিনিটে কত আবেদন আসে, নিয়ম ও পাস কি তাল রাখে, আর লাইন কত বড়?
-- place: 2
-- chart: applied by_rules issued
-- column: day | day | Day | দিন
-- column: hour | hour | Hour | ঘণ্টা
-- column: applied | count | Applications | আবেদন
-- column: busiest_minute | count | In the busiest minute | সবচেয়ে ব্যস্ত মিনিটে
-- column: by_rules | count | Looked at by rules | নিয়মে দেখা
-- column: issued | count | Passes issued | ইস্যু করা পাস
-- column: median_s | s | Half waited for rules for | অর্ধেকের নিয়মের জন্য অপেক্ষা
-- column: p99_s | s | 99 % waited for at most | ৯৯ % এর অপেক্ষা এর মধ্যে
-- column: let_in | count | Let in at the line | লাইন থেকে ঢুকতে দেওয়া
-- column: given_places | count | Given a place in line | লাইনে জায়গা দেওয়া
-- column: longest_line | count | Longest line | সবচেয়ে বড় লাইন
WITH minutes AS (
    SELECT day, hour, minute, count(*) AS applied
    FROM facts
    WHERE {days} AND type = 'applied'
    GROUP BY day, hour, minute
), arrivals AS (
    SELECT day, hour, sum(applied) AS applied, max(applied) AS busiest_minute
    FROM minutes
    GROUP BY day, hour
), by_seconds AS (
    SELECT day, hour, waited_s, count(*) AS decisions
    FROM facts
    WHERE {days} AND type = 'decided' AND decided_by = 'rules'
    GROUP BY day, hour, waited_s
), summed AS (
    SELECT
        day,
        hour,
        waited_s,
        sum(decisions) OVER (PARTITION BY day, hour ORDER BY waited_s) AS up_to,
        sum(decisions) OVER (PARTITION BY day, hour) AS decisions
    FROM by_seconds
), rules AS (
    SELECT
        day,
        hour,
        max(decisions) AS by_rules,
        min(waited_s) FILTER (WHERE up_to * 2 >= decisions) AS median_s,
        min(waited_s) FILTER (WHERE up_to * 100 >= decisions * 99) AS p99_s
    FROM summed
    GROUP BY day, hour
), passes AS (
    SELECT day, hour, count(*) AS issued
    FROM facts
    WHERE {days} AND type = 'issued'
    GROUP BY day, hour
), lines AS (
    SELECT day, hour, sum(entered) AS let_in, sum(places) AS given_places, max(in_line) AS longest_line
    FROM facts
    WHERE {days} AND type = 'lined'
    GROUP BY day, hour
)
SELECT
    day,
    hour,
    coalesce(applied, 0) AS applied,
    coalesce(busiest_minute, 0) AS busiest_minute,
    coalesce(by_rules, 0) AS by_rules,
    coalesce(issued, 0) AS issued,
    median_s,
    p99_s,
    coalesce(let_in, 0) AS let_in,
    coalesce(given_places, 0) AS given_places,
    coalesce(longest_line, 0) AS longest_line
FROM arrivals
FULL OUTER JOIN rules USING (day, hour)
FULL OUTER JOIN passes USING (day, hour)
FULL OUTER JOIN lines USING (day, hour)
ORDER BY day, hour
