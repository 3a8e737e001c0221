-- title en: Passes in force
-- title bn: বলবৎ পাস
-- question en: How many passes are in force in each hour, on all routes or on one?
-- question bn: প্রতি ঘণ্টায় কত পাস বলবৎ, সব পথে বা একটি পথে?
-- place: 10
-- filter: from from_district
-- filter: to to_district
-- column: day | day | Day | দিন
-- column: hour | hour | Hour | ঘণ্টা
-- column: in_force | count | In force | বলবৎ
-- column: starting | count | Beginning in this hour | এই ঘণ্টায় শুরু
-- note: A pass is issued at most 72 hours ahead and lasts 12 hours at most, so four days before are read.
WITH spans AS (
    SELECT starts, hours, sum(CASE type WHEN 'issued' THEN 1 ELSE 0 END) AS issued, count(*) AS events
    FROM facts
    WHERE {days_back(4)} AND type IN ('issued', 'revoked'){filters}
    GROUP BY starts, hours
), changes AS (
    SELECT starts AS h, issued * 2 - events AS change, issued FROM spans
    UNION ALL
    SELECT starts + hours, events - issued * 2, 0 FROM spans
    UNION ALL
    SELECT h, 0, 0 FROM {hours}
), running AS (
    SELECT h, sum(sum(change)) OVER (ORDER BY h) AS in_force, sum(issued) AS starting
    FROM changes
    GROUP BY h
)
SELECT {day_of(h)} AS day, h % 24 AS hour, in_force, starting
FROM running
WHERE h >= {since_hour} AND h < {end_hour}
ORDER BY h
